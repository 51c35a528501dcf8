"""The overview: what runs, what waits, and what has gone wrong."""

from fastapi import APIRouter, Request, Response

from orders_service.console.page_route import PageRoute
from orders_service.console.pages import page
from orders_service.console.visits import Visitor
from orders_service.database import Reading, process_of
from orders_service.operations import pipelines_of

router = APIRouter(prefix="/console", route_class=PageRoute, include_in_schema=False)


@router.get("")
def overview(request: Request, visit: Visitor, session: Reading) -> Response:
    """All pipelines at a glance."""
    return page(request, "overview.html", visit, pipelines=pipelines_of(process_of(request), session))
