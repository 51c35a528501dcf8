"""The page of one run: what it has been through, why it is where it is, and what may be done about it."""

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from orders_service import operations
from orders_service.audit import Auditor
from orders_service.console.page_route import PageRoute
from orders_service.console.pages import page, to_page
from orders_service.console.run_following import follow, told_of
from orders_service.console.run_page import page_of
from orders_service.console.visits import Acting, Visitor
from orders_service.database import Reading, process_of
from orders_service.problems import Problem
from orders_service.strict_models import Text
from pipelines import UnknownRun, Watch

router = APIRouter(prefix="/console/runs", route_class=PageRoute, include_in_schema=False)

_NO_SUCH_RUN = "There is no such run. It may have ended so long ago that it has been removed."
_DONE = {
    "retried": "It was taken up again.",
    "undo-retried": "Undoing it goes on.",
    "replayed": "This is the new run, with the input of the other one.",
    "cancelled": "It is cancelled; what it did is undone in the background.",
}

SaidReason = Annotated[str | None, Form(), Text(500)]


@router.get("/{run_id}")
def run_page(run_id: UUID, request: Request, visit: Visitor, session: Reading, done: str = "") -> Response:
    """Everything about one run."""
    try:
        shown = page_of(process_of(request), session, run_id, visit.principal)
    except UnknownRun:
        raise Problem("not-found", _NO_SUCH_RUN) from None
    return page(request, "run.html", visit, **told_of(request, shown), done=_DONE.get(done))


async def _watched(run_id: UUID, request: Request, _: Visitor) -> AsyncIterator[Watch]:
    """Before the stream begins, since what is refused later could not be told."""
    try:
        async with process_of(request).watch(run_id) as watch:
            yield watch
    except UnknownRun:
        raise Problem("not-found", _NO_SUCH_RUN) from None


@router.get("/{run_id}/events", response_class=EventSourceResponse)
async def follow_run(
    run_id: UUID, request: Request, visit: Visitor, watch: Annotated[Watch, Depends(_watched)]
) -> AsyncIterator[ServerSentEvent]:
    """The parts of the page that change, when they do."""
    async for event in follow(request, visit, run_id, watch):
        yield event


@router.post("/{run_id}/retry")
async def retry_run(run_id: UUID, request: Request, _: Acting, auditor: Auditor, reason: SaidReason = None) -> Response:
    """Go on where it failed, or where it was undone to."""
    process, note = process_of(request), auditor("run_retried", run_id)
    await process.write(operations.steer_run, process.steering.retry, run_id, note, reason)
    return _to_page(request, run_id, "retried")


@router.post("/{run_id}/retry-undo")
async def retry_undo_of_run(
    run_id: UUID, request: Request, _: Acting, auditor: Auditor, reason: SaidReason = None
) -> Response:
    """Go on being undone where an undo was given up."""
    process, note = process_of(request), auditor("run_undo_retried", run_id)
    await process.write(operations.steer_run, process.steering.retry_undo, run_id, note, reason)
    return _to_page(request, run_id, "undo-retried")


@router.post("/{run_id}/replay")
async def replay_run(
    run_id: UUID, request: Request, _: Acting, auditor: Auditor, reason: SaidReason = None
) -> Response:
    """Start a new run with the same input, and show that one."""
    process, note = process_of(request), auditor("run_replayed", run_id)
    new = await process.write(operations.replay_run, process, run_id, note, reason)
    return _to_page(request, new, "replayed")


@router.post("/{run_id}/cancel")
async def cancel_run(
    run_id: UUID, request: Request, _: Acting, auditor: Auditor, reason: SaidReason = None
) -> Response:
    """Have it go no further."""
    note = auditor("run_cancelled", run_id)
    await process_of(request).write(operations.steer_run, operations.cancel_run, run_id, note, reason)
    return _to_page(request, run_id, "cancelled")


def _to_page(request: Request, run_id: UUID, done: str) -> Response:
    return to_page(request, f"/console/runs/{run_id}?done={done}")
