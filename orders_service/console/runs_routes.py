"""Runs in a list, by what is asked of them; and from the id of a run or of an order to the run."""

from collections.abc import Iterable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from orders_service import orders
from orders_service.console.page_route import PageRoute
from orders_service.console.pages import page, to_page
from orders_service.console.run_questions import RunQuestion, Within, fields_of
from orders_service.console.visits import Visitor
from orders_service.database import Reading, process_of
from orders_service.operations import Action, page_of_runs
from pipelines import Process, ReadSession, RunFilter, RunState, standings

router = APIRouter(prefix="/console", route_class=PageRoute, include_in_schema=False)

ON_A_PAGE = 50
_NOT_FOUND = 404


class RunsQuestion(RunQuestion):
    """And from where on."""

    cursor: Annotated[str | None, Field(max_length=2000)] = None


@router.get("/runs")
def runs(request: Request, visit: Visitor, session: Reading, asked: Annotated[RunsQuestion, Query()]) -> Response:
    """A page of the runs that match."""
    process, query = process_of(request), str(asked)
    choice = asked.at(process.clock.now())
    found = page_of_runs(
        process,
        session,
        RunFilter(**choice.model_dump()),
        under=f"console {query}",
        cursor=asked.cursor,
        limit=ON_A_PAGE,
    )
    return page(
        request,
        "runs.html",
        visit,
        asked=asked,
        query=query,
        found=found,
        pipelines=_pipelines(process, asked.pipeline),
        steps=_steps(process, asked.pipeline),
        states=list(RunState),
        withins=list(Within),
        actions=[each for each in Action if not asked.states or set(asked.states) & set(each.states)],
        bulk_query=f"?{query}" if fields_of(asked) or asked.within else "",
    )


@router.get("/find")
def find(
    request: Request,
    visit: Visitor,
    session: Reading,
    id: Annotated[str, Query(max_length=100)] = "",  # noqa: A002 - the name in the URL
) -> Response:
    """Go to the run of this id, or to that of the order of this id."""
    run_id, trouble = _found(session, id.strip())
    if run_id is not None:
        return to_page(request, f"/console/runs/{run_id}")
    return page(request, "find.html", visit, status=_NOT_FOUND, sought=id.strip(), trouble=trouble)


def _found(session: ReadSession, said: str) -> tuple[UUID | None, str]:
    try:
        sought = UUID(said)
    except ValueError:
        return None, "That is no whole id: it has 32 digits, 0 to 9 and a to f."
    if standings(session, [sought]):
        return sought, ""
    run_id = orders.run_of(session, sought)
    if run_id is None:
        return None, "No run and no order has this id."
    if not standings(session, [run_id]):
        return None, "There is such an order, but its run ended so long ago that it has been deleted."
    return run_id, ""


def _pipelines(process: Process, chosen: str | None) -> list[str]:
    """With the one asked for: a run may be of a pipeline that there is no more."""
    return sorted({name for name, _ in process.wired} | ({chosen} if chosen is not None else set()))


def _steps(process: Process, pipeline: str | None) -> Iterable[str]:
    known = (wired.steps for (name, _), wired in process.wired.items() if pipeline in (None, name))
    return sorted({step for steps in known for step in steps})
