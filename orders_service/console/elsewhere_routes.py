"""Addresses of the console that are none: somebody has mistyped one, or reloads what only a form may be sent to."""

from fastapi import APIRouter, Request, Response

from orders_service.auth import Scope
from orders_service.console.page_route import PageRoute
from orders_service.console.pages import to_page
from orders_service.console.visits import Visiting
from orders_service.problems import Problem

router = APIRouter(prefix="/console", route_class=PageRoute, include_in_schema=False)

_see_who_asks = Visiting(Scope.OPERATIONS_READ)


@router.get("/{rest:path}")
async def elsewhere(rest: str, request: Request) -> Response:
    """A page that says so; a slash too many is no mistake, and files are there for whoever has not signed in."""
    if not rest.startswith("static/"):
        await _see_who_asks(request)
    if not rest:
        return to_page(request, "/console")
    raise Problem("not-found", "The console has no such page.")
