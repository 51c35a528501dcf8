from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID

import httpx2
import pytest
from fastapi import APIRouter, FastAPI, HTTPException, Query
from openapi_spec_validator import validate
from pydantic import BaseModel, ConfigDict, EmailStr, Field
from structlog.testing import capture_logs

from orders_service import problem_handlers
from orders_service.problems import Problem, responses
from pipelines import errors
from tests.harness.uvicorn_server import serving


class OutOfStock(Exception):
    def __init__(self, sku: str) -> None:
        super().__init__(sku)
        self.sku = sku


class Line(BaseModel):
    model_config = ConfigDict(extra="forbid")
    id: UUID
    quantity: int = Field(gt=0)


class Draft(BaseModel):
    email: EmailStr
    lines: list[Line]


RAISED: dict[str, Exception] = {
    "bug": RuntimeError("secret text"),
    "teapot": HTTPException(418, "secret text"),
    "login": HTTPException(401, headers={"WWW-Authenticate": "Bearer"}),
    "stock": OutOfStock("lamp"),
    "problem": Problem("precondition-failed"),
    "overloaded": errors.Overloaded(),
    "unavailable": errors.Unavailable(),
    "fenced": errors.Fenced(),
    "full": errors.StorageFull(),
    "unknown": errors.OutcomeUnknown(),
    "conflict": errors.StateConflict(),
    "missing": errors.UnknownRun(),
}


def build_app() -> FastAPI:
    router = APIRouter(prefix="/v1")

    @router.get("/raise/{name}", responses=responses(404, 503))
    async def raise_it(name: str) -> None:
        raise RAISED[name]

    @router.get("/drafts")
    async def list_drafts(limit: Annotated[int, Query(le=200)] = 50) -> int:
        return limit

    @router.post("/drafts")
    async def create_draft(draft: Draft) -> Draft:
        return draft

    app = FastAPI()
    app.include_router(router)
    problem_handlers.install(app, {OutOfStock: lambda error: Problem("state-conflict", f"No {error.sku} left.")})
    return app


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(build_app(), raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://orders.test") as client:
        yield client


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("bug", 500, "internal-error"),
        ("teapot", 400, "malformed-request"),
        ("login", 401, "unauthenticated"),
        ("stock", 409, "state-conflict"),
        ("problem", 412, "precondition-failed"),
        ("overloaded", 503, "overloaded"),
        ("unavailable", 503, "unavailable"),
        ("fenced", 503, "unavailable"),
        ("full", 503, "storage-full"),
        ("unknown", 503, "outcome-unknown"),
        ("conflict", 409, "state-conflict"),
        ("missing", 404, "not-found"),
    ],
)
async def test_what_is_raised_becomes_a_problem(client: httpx2.AsyncClient, name: str, status: int, code: str) -> None:
    response = await client.get(f"/v1/raise/{name}")

    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == code
    assert response.status_code == response.json()["status"] == status


@pytest.mark.parametrize("name", ["bug", "teapot"])
async def test_the_text_of_a_foreign_exception_stays_inside(client: httpx2.AsyncClient, name: str) -> None:
    assert "secret" not in (await client.get(f"/v1/raise/{name}")).text


async def test_a_slice_says_in_its_own_words_what_is_wrong(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/v1/raise/stock")).json()["detail"] == "No lamp left."


async def test_a_bug_is_logged_once_with_its_exception(client: httpx2.AsyncClient) -> None:
    with capture_logs() as logged:
        await client.get("/v1/raise/bug")

    assert [entry["exc_info"] for entry in logged] == [RAISED["bug"]]


async def test_an_unknown_path_is_not_found(client: httpx2.AsyncClient) -> None:
    response = await client.get("/v1/nowhere")

    assert (response.status_code, response.json()["code"]) == (404, "not-found")


async def test_a_wrong_method_is_told_every_right_one(client: httpx2.AsyncClient) -> None:
    response = await client.delete("/v1/drafts")

    assert (response.status_code, response.json()["code"]) == (405, "method-not-allowed")
    assert response.headers["allow"] == "GET, POST"


async def test_malformed_json_is_no_invalid_value(client: httpx2.AsyncClient) -> None:
    response = await client.post("/v1/drafts", content=b"{", headers={"Content-Type": "application/json"})

    assert (response.status_code, response.json()["code"]) == (400, "malformed-request")


async def flaws_of(client: httpx2.AsyncClient, draft: object) -> list[dict[str, str]]:
    response = await client.post("/v1/drafts", json=draft)
    assert (response.status_code, response.json()["code"]) == (422, "invalid-request")
    flaws: list[dict[str, str]] = response.json()["errors"]
    return flaws


async def test_a_refused_value_is_pointed_at(client: httpx2.AsyncClient) -> None:
    line = {"id": str(UUID(int=7)), "quantity": 0}

    assert await flaws_of(client, {"email": "ada@example.com", "lines": [line]}) == [
        {"location": "body", "pointer": "/lines/0/quantity", "message": "Input should be greater than 0"}
    ]


async def test_a_refused_query_parameter_is_pointed_at(client: httpx2.AsyncClient) -> None:
    [flaw] = (await client.get("/v1/drafts?limit=201")).json()["errors"]

    assert (flaw["location"], flaw["pointer"]) == ("query", "/limit")


@pytest.mark.parametrize(
    "draft",
    [
        {"email": "canary@\u2620.example", "lines": []},
        {"email": "canary", "lines": "canary"},
        {"email": "a@example.com", "lines": [{"id": "\u2620canary", "quantity": "canary"}]},
        {"email": "a@example.com", "lines": [{"id": "0", "quantity": 1, "\u2620 canary/": "canary"}]},
    ],
)
async def test_no_input_is_echoed(client: httpx2.AsyncClient, draft: object) -> None:
    said = str(await flaws_of(client, draft))

    assert "canary" not in said
    assert "\u2620" not in said


async def test_the_answer_to_many_flaws_is_bounded(client: httpx2.AsyncClient) -> None:
    assert len(await flaws_of(client, {"email": "a@example.com", "lines": [{}] * 1000})) == 20


async def test_openapi_declares_problems_and_nothing_else_for_errors() -> None:
    document: dict[str, Any] = build_app().openapi()

    validate(document)
    declared = [
        (status, media_type)
        for path in document["paths"].values()
        for operation in path.values()
        for status, response in operation["responses"].items()
        if int(status) >= 400
        for media_type in response["content"]
    ]
    assert {media_type for _, media_type in declared} == {"application/problem+json"}
    assert {status for status, _ in declared} == {"404", "422", "503"}


def test_openapi_is_the_same_when_asked_twice() -> None:
    app = build_app()

    assert app.openapi() == app.openapi()


async def test_a_bug_is_answered_by_a_real_server_too() -> None:
    async with serving(build_app()) as (host, port), httpx2.AsyncClient() as client:
        response = await client.get(f"http://{host}:{port}/v1/raise/bug")

    assert (response.status_code, response.json()["code"]) == (500, "internal-error")
