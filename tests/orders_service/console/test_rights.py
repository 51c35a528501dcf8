"""Every route of the console asks who is there, and each that changes something for more: whatever is added to it."""

import re
from uuid import UUID

import pytest
from fastapi.routing import iter_route_contexts

from orders_service.console.routes import router
from tests.builders.console import Visitor, signed_in, who_only_looks
from tests.builders.shop import Shop

AT_THE_DOOR = {"/console/sign-in", "/console/static/{version}/{name}"}
SIGNING_OUT = "/console/sign-out"  # whoever only looks may leave
ROUTES = sorted(
    (method, str(context.path_format))
    for context in iter_route_contexts(router.routes)
    for method in context.methods or ()
    if context.path_format not in AT_THE_DOOR
)


def filled(path: str) -> str:
    return re.sub(r"\{[^}]*\}", str(UUID(int=1)), path)


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_nobody_gets_in_without_signing_in(corner_shop: Shop, method: str, path: str) -> None:
    answer = await Visitor(corner_shop).client.request(method, filled(path), follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/console/sign-in")


@pytest.mark.parametrize("path", [path for method, path in ROUTES if method == "POST"])
async def test_nothing_is_done_without_the_sessions_token(corner_shop: Shop, path: str) -> None:
    visitor = await signed_in(corner_shop)
    assert (await visitor.client.post(filled(path))).status_code == 403
    assert (await visitor.do(filled(path), csrf="0" * 64)).status_code == 403


@pytest.mark.parametrize("path", [path for method, path in ROUTES if method == "POST" and path != SIGNING_OUT])
async def test_whoever_only_looks_does_nothing(corner_shop: Shop, path: str) -> None:
    answer = await (await who_only_looks(corner_shop)).do(filled(path))
    assert answer.status_code == 403


def test_pages_are_read_and_forms_are_sent() -> None:
    assert {method for method, _ in ROUTES} == {"GET", "POST"}
