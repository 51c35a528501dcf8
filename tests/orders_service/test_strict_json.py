import json
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Annotated, Any

import httpx2
import pytest
from fastapi import APIRouter, Depends, FastAPI, Query, Request
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from orders_service import problem_handlers
from orders_service.problems import Problem
from orders_service.strict_json import MAX_DEPTH, StrictRoute, has_control_characters, loads

JSON_TYPE = {"Content-Type": "application/json"}


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut off"),
        pytest.param(b"{'a': 1}", id="single quotes"),
        pytest.param(b"\xef\xbb\xbf{}", id="byte order mark"),
        pytest.param(b'"\xff"', id="no utf-8"),
        pytest.param('"\ud800"'.encode("utf-8", "surrogatepass"), id="surrogate in utf-8"),
        pytest.param("{}".encode("utf-16"), id="utf-16"),
        pytest.param(b"{} {}", id="trailing data"),
        pytest.param(b'"a\x00b"', id="raw control character"),
        pytest.param(b"1" * 5000, id="integer of 5,000 digits"),
        pytest.param(nested(MAX_DEPTH + 1), id="too deep"),
        pytest.param(b"[" * 200_000, id="200,000 brackets"),
        pytest.param(nested(100_000), id="100,000 levels"),
    ],
)
def test_what_is_no_json_is_malformed(body: bytes) -> None:
    with pytest.raises(Problem) as refused:
        loads(body)

    assert refused.value.code == "malformed-request"


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": 1, "a": 1}',
        b'{"o": {"a": 1, "\\u0061": 2}}',
        b"[NaN]",
        b"[Infinity]",
        b"[-Infinity]",
        b"[1e400]",
        b"[-1e400]",
        b'["\\u0000"]',
        b'["\\n"]',
        b'["\\ud800"]',
        b'["\\udc00\\ud800"]',
        b'{"\\u0007": 1}',
        b'["\x7f"]',
        '["\u0085"]'.encode(),
    ],
)
def test_what_nobody_means_is_invalid(body: bytes) -> None:
    with pytest.raises(Problem) as refused:
        loads(body)

    assert refused.value.code == "invalid-request"


@pytest.mark.parametrize(
    "body",
    [b'{"a": [1, -2.5, 1e3, true, null, "\\u00e9\\ud83d\\ude00\\/"]}', b" [] ", '"Zoë"'.encode(), nested(MAX_DEPTH)],
)
def test_what_is_well_formed_is_read_as_ever(body: bytes) -> None:
    assert loads(body) == json.loads(body)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def texts_in(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value:
            yield from texts_in(inner)
        if isinstance(value, dict):
            yield from texts_in(list(value.values()))


@given(value=json_values, ensure_ascii=st.booleans())
def test_json_is_read_as_ever_unless_it_has_control_characters(value: object, *, ensure_ascii: bool) -> None:
    body = json.dumps(value, ensure_ascii=ensure_ascii).encode()
    if any(has_control_characters(text) for text in texts_in(value)):
        with pytest.raises(Problem):
            loads(body)
    else:
        assert loads(body) == value


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_a_value_or_a_problem(body: bytes) -> None:
    with suppress(Problem):
        loads(body)


class Line(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str


class Page(BaseModel):
    limit: int = 50
    cursor: str | None = None


async def language(lang: Annotated[str, Query()] = "en") -> str:
    return lang


def build_app() -> FastAPI:
    router = APIRouter(prefix="/v1", route_class=StrictRoute)

    @router.post("/lines")
    async def create_line(line: Line) -> Line:
        return line

    @router.get("/lines/{name}")
    async def get_line(name: str, lang: Annotated[str, Depends(language)], *, verbose: bool = False) -> str:
        return f"{name} {lang} {verbose}"

    @router.get("/pages")
    async def list_lines(page: Annotated[Page, Query()]) -> Page:
        return page

    @router.put("/image")
    async def put_image(request: Request) -> int:
        return len(await request.body())

    app = FastAPI()
    app.include_router(router)
    problem_handlers.install(app, {})
    return app


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(build_app()), base_url="http://orders.test") as client:
        yield client


async def test_a_strict_body_reaches_its_route(client: httpx2.AsyncClient) -> None:
    response = await client.post("/v1/lines", json={"name": "lamp"})

    assert (response.status_code, response.json()) == (200, {"name": "lamp"})


async def test_a_route_behind_a_router_reads_strictly(client: httpx2.AsyncClient) -> None:
    response = await client.post("/v1/lines", content=b'{"name": "a", "name": "b"}', headers=JSON_TYPE)

    assert (response.status_code, response.json()["code"]) == (422, "invalid-request")


async def test_a_missing_body_is_an_invalid_request(client: httpx2.AsyncClient) -> None:
    assert (await client.post("/v1/lines")).status_code == 422


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=utf-16"},
        {**JSON_TYPE, "Content-Encoding": "gzip"},
        {**JSON_TYPE, "Content-Encoding": "identity"},
    ],
)
async def test_a_body_of_another_type_is_refused(client: httpx2.AsyncClient, headers: dict[str, str]) -> None:
    response = await client.post("/v1/lines", content=b'{"name": "lamp"}', headers=headers)

    assert (response.status_code, response.json()["code"]) == (415, "unsupported-media-type")


async def test_a_body_that_is_empty_has_no_type(client: httpx2.AsyncClient) -> None:
    """There are clients that name one where there is no body, and routes that need none."""
    headers = {"Content-Type": "application/octet-stream"}

    assert (await client.post("/v1/lines", headers=headers)).status_code == 422


async def test_json_may_name_its_charset(client: httpx2.AsyncClient) -> None:
    headers = {"Content-Type": "Application/JSON; charset=UTF-8"}

    assert (await client.post("/v1/lines", content=b'{"name": "lamp"}', headers=headers)).status_code == 200


async def test_a_route_that_reads_bytes_takes_any_type(client: httpx2.AsyncClient) -> None:
    assert (await client.put("/v1/image", content=b"GIF", headers={"Content-Type": "image/gif"})).json() == 3


@pytest.mark.parametrize("query", ["verbose=true", "lang=fr", "lang=fr&verbose=false", ""])
async def test_declared_query_parameters_are_taken(client: httpx2.AsyncClient, query: str) -> None:
    assert (await client.get(f"/v1/lines/lamp?{query}")).status_code == 200


async def test_the_fields_of_a_query_model_are_declared(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/v1/pages?limit=7&cursor=x")).json() == {"limit": 7, "cursor": "x"}


@pytest.mark.parametrize(
    "target",
    ["/v1/lines/lamp?colour=red", "/v1/lines/lamp?name=x", "/v1/pages?verbose=true", "/v1/lines/lamp?lang=%00"],
)
async def test_a_query_parameter_that_is_not_meant_is_refused(client: httpx2.AsyncClient, target: str) -> None:
    response = await client.get(target)

    assert (response.status_code, response.json()["code"]) == (422, "invalid-request")


@pytest.mark.parametrize("name", ["%00", "a%00b", "%0a", "%7f"])
async def test_nothing_is_found_under_a_control_character(client: httpx2.AsyncClient, name: str) -> None:
    assert (await client.get(f"/v1/lines/{name}")).status_code == 404


def parameters(document: dict[str, Any], path: str) -> set[str]:
    return {parameter["name"] for parameter in document["paths"][path]["get"]["parameters"]}


def test_openapi_knows_what_a_strict_route_takes() -> None:
    assert parameters(build_app().openapi(), "/v1/lines/{name}") == {"name", "lang", "verbose"}
