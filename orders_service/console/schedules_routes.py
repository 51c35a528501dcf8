"""Schedules: what the service starts by itself, when next, and how it went last."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request, Response

from orders_service import operations
from orders_service.audit import Auditor, Note
from orders_service.console.page_route import PageRoute
from orders_service.console.pages import page, to_page
from orders_service.console.visits import Acting, Visit, Visitor
from orders_service.database import Reading, process_of
from pipelines import ReadSession, RunState

router = APIRouter(prefix="/console/schedules", route_class=PageRoute, include_in_schema=False)

_SAID = {
    "triggered": "A run has been started: it is the last run below.",
    "paused": "It is paused, and fires nothing until it is resumed.",
    "resumed": "It fires again, from its next time on.",
}
_GOES_ON = {RunState.READY, RunState.RUNNING, RunState.WAITING, RunState.UNDOING}


@router.get("")
def schedules(request: Request, visit: Visitor, session: Reading, done: str = "") -> Response:
    """All of them, by name."""
    return _shown("schedules.html", request, visit, session, said=_SAID.get(done))


@router.get("/table")
def schedules_table(request: Request, visit: Visitor, session: Reading) -> Response:
    """The table alone: it asks for itself again while a run goes on."""
    return _shown("schedules_table.html", request, visit, session)


@router.post("/{name}/trigger")
async def trigger(name: str, request: Request, _: Acting, auditor: Auditor) -> Response:
    """Start a run now."""
    return await _steer(request, name, operations.trigger_schedule, auditor("schedule_triggered", name), "triggered")


@router.post("/{name}/pause")
async def pause(name: str, request: Request, _: Acting, auditor: Auditor) -> Response:
    """Have it fire nothing."""
    return await _steer(request, name, operations.pause_schedule, auditor("schedule_paused", name), "paused")


@router.post("/{name}/resume")
async def resume(name: str, request: Request, _: Acting, auditor: Auditor) -> Response:
    """Have it fire again."""
    return await _steer(request, name, operations.resume_schedule, auditor("schedule_resumed", name), "resumed")


def _shown(name: str, request: Request, visit: Visit, session: ReadSession, **more: Any) -> Response:
    listed = operations.schedules_of(process_of(request), session)
    is_busy = any(each.last_run is not None and each.last_run.state in _GOES_ON for each in listed)
    return page(request, name, visit, schedules=listed, is_busy=is_busy, **more)


async def _steer(request: Request, name: str, verb: Callable[..., object], note: Note, done: str) -> Response:
    process = process_of(request)
    await process.write(verb, process.schedules, name, note)
    return to_page(request, f"/console/schedules?done={done}")
