"""A small application with a route for each thing the edge has to deal with."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx2
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, StreamingResponse
from prometheus_client import CollectorRegistry
from pydantic import EmailStr, Field
from structlog.contextvars import get_contextvars

from orders_service import edge, problem_handlers
from orders_service.exchange import Limits
from orders_service.metrics import HttpMetrics
from orders_service.request_ids import request_id_of
from orders_service.strict_json import StrictRoute
from orders_service.strict_models import StrictModel, Text, Timestamp


class Line(StrictModel):
    sku: Annotated[str, Text(20)]
    quantity: int = Field(gt=0, le=100)


class Draft(StrictModel):
    email: EmailStr
    note: Annotated[str, Text(50)] | None = None
    due_at: Timestamp | None = None
    lines: list[Line] = Field(default_factory=list)


router = APIRouter(prefix="/v1", route_class=StrictRoute)


@router.post("/drafts", status_code=201)
async def create_draft(draft: Draft) -> Draft:
    return draft


@router.post("/bytes")
async def count_bytes(request: Request) -> int:
    return len(await request.body())


@router.post("/{kind}/import")
async def import_bytes(kind: str, request: Request) -> str:
    return f"{len(await request.body())} bytes of {kind}"


@router.get("/me")
async def who_am_i(request: Request) -> list[str]:
    return [request_id_of(request.scope), request.state.request_id, get_contextvars()["request_id"]]


@router.get("/bug")
async def find_bug() -> None:
    raise RuntimeError("secret")


@router.get("/late-bug")
async def find_bug_late() -> StreamingResponse:
    async def parts() -> AsyncIterator[bytes]:
        yield b"begun"
        raise RuntimeError("secret")

    return StreamingResponse(parts())


@router.get("/forms/{kind}")
async def answer_in_a_form(kind: str) -> Any:
    forms = {
        "plain": PlainTextResponse("secret", status_code=400),
        "json": JSONResponse({"detail": "secret"}, status_code=502),
        "page": HTMLResponse("<h1>gone</h1>", status_code=404),
        "file": FileResponse(__file__),
    }
    return forms[kind]


def build_app(limits: Limits) -> FastAPI:
    """The routes above behind an edge with these limits."""
    app = FastAPI(redirect_slashes=False)
    app.include_router(router)
    app.add_api_route("/livez", who_am_i)
    problem_handlers.install(app, {})
    edge.install(app, limits, HttpMetrics(CollectorRegistry(), version="1"))
    return app


def client_of(app: FastAPI) -> httpx2.AsyncClient:
    """Talks to the application without a server between them."""
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://orders.test")
