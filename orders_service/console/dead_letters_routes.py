"""Dead letters, by what they died of: what is broken, how much of it there is, and the way to retry it."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response

from orders_service.console.page_route import PageRoute
from orders_service.console.pages import page
from orders_service.console.run_questions import fields_of
from orders_service.console.visits import Visitor
from orders_service.database import Reading
from orders_service.operations import Group, RunChoice, grouped
from pipelines import dead_letters as read_dead_letters

router = APIRouter(prefix="/console", route_class=PageRoute, include_in_schema=False)


@router.get("/dead-letters")
def dead_letters(
    request: Request,
    visit: Visitor,
    session: Reading,
    pipeline: Annotated[str | None, Query(max_length=100)] = None,
) -> Response:
    """One row for each cause, of all pipelines or of one."""
    found = grouped(read_dead_letters(session, of=pipeline or None))
    rows = [(each, _query(each)) for each in found.shown]
    return page(request, "dead_letters.html", visit, found=found, rows=rows, pipeline=pipeline)


def _query(group: Group) -> str:
    """The filter that finds it."""
    choice = RunChoice(pipeline=group.pipeline, step=group.step, states=list(group.states), error=group.phrase)
    return urlencode(fields_of(choice))
