from typing import Annotated

import pytest
from fastapi import APIRouter, Depends, FastAPI, Header
from starlette.responses import PlainTextResponse
from starlette.types import Scope

from orders_service.route_names import NamedRoute, RouteNames, method_label, path_of

orders = APIRouter(prefix="/orders")


@orders.get("/{order}", responses={404: {}, "default": {}})
async def get_order(order: str) -> str:
    return order


def some_key(idempotency_key: Annotated[str | None, Header()] = None) -> str | None:
    return idempotency_key


@orders.post("", status_code=201)
async def create_order(key: Annotated[str | None, Depends(some_key)]) -> None: ...


@orders.api_route("/{order}/lines", methods=["PUT", "PATCH"])
async def change_lines(order: str) -> str:
    return order


static = PlainTextResponse("a file")


def build_names() -> RouteNames:
    v1 = APIRouter(prefix="/v1")
    v1.include_router(orders)
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(v1)
    app.mount("/static", static)
    return RouteNames(app.router.routes)


def scope(method: str, endpoint: object) -> Scope:
    return {"type": "http", "method": method, "endpoint": endpoint}


@pytest.mark.parametrize(
    ("method", "endpoint", "name"),
    [
        ("GET", get_order, "/v1/orders/{order}"),
        ("POST", create_order, "/v1/orders"),
        ("DELETE", get_order, "/v1/orders/{order}"),  # what a 405 leaves behind
        ("PATCH", change_lines, "/v1/orders/{order}/lines"),
        ("GET", static, "/static/*"),
        ("GET", print, "<unmatched>"),
    ],
)
def test_a_request_is_named_by_its_full_template(method: str, endpoint: object, name: str) -> None:
    assert build_names().name(scope(method, endpoint)) == name


def test_a_request_that_met_no_route_is_unmatched() -> None:
    assert build_names().name({"type": "http", "method": "GET"}) == "<unmatched>"


def test_all_routes_are_known_with_the_statuses_they_declare_and_whether_they_take_a_key() -> None:
    assert set(build_names()) == {
        NamedRoute("GET", "/v1/orders/{order}", frozenset({200, 404}), is_repeatable=False),
        NamedRoute("POST", "/v1/orders", frozenset({201}), is_repeatable=True),
        NamedRoute("PUT", "/v1/orders/{order}/lines", frozenset({200}), is_repeatable=False),
        NamedRoute("PATCH", "/v1/orders/{order}/lines", frozenset({200}), is_repeatable=False),
    }


@pytest.mark.parametrize(("method", "label"), [("GET", "GET"), ("PATCH", "PATCH"), ("BREW", "other"), ("get", "other")])
def test_a_method_made_up_by_a_client_is_other(method: str, label: str) -> None:
    assert method_label(method) == label


@pytest.mark.parametrize(
    ("path", "prefix", "expected"),
    [
        ("/livez", "", "/livez"),
        ("/shop/livez", "/shop", "/livez"),
        ("/livez", "/shop", "/livez"),
        ("/shopping/livez", "/shop", "/shopping/livez"),
    ],
)
def test_a_path_is_known_without_the_prefix_of_a_proxy(path: str, prefix: str, expected: str) -> None:
    assert path_of({"type": "http", "path": path, "root_path": prefix}) == expected
