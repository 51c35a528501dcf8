"""The overview: what runs, what waits, and what has gone wrong; it changes while somebody looks."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from sqlalchemy.exc import SQLAlchemyError

from orders_service import operations
from orders_service.audit import Auditor
from orders_service.auth import Forbidden, Scope
from orders_service.console.errors import SignInFirst
from orders_service.console.lookout import Lookout
from orders_service.console.overview import Overview
from orders_service.console.page_route import PageRoute
from orders_service.console.pages import fragment, page, to_page
from orders_service.console.visits import Acting, Visit, Visiting, Visitor
from orders_service.database import process_of

router = APIRouter(prefix="/console", route_class=PageRoute, include_in_schema=False)

_DONE = {
    "paused": "Paused. No step of it begins any more; runs are still started, and wait.",
    "resumed": "Resumed. It goes on where it stood.",
}
_is_still_here = Visiting(Scope.OPERATIONS_READ)


def lookout_of(request: Request) -> Lookout:
    """That of the process which serves this request."""
    lookout: Lookout = request.app.state.lookout
    return lookout


@router.get("")
async def overview(
    request: Request,
    visit: Visitor,
    updates: Literal["on", "off"] = "on",
    done: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    """All pipelines at a glance."""
    seen = await lookout_of(request).overview()
    return page(request, "overview.html", visit, overview=seen, updates=updates, message=_DONE.get(done))


async def _watched(request: Request) -> AsyncIterator[Lookout]:
    """Before the stream begins, since what is refused later could not be told."""
    lookout = lookout_of(request)
    with lookout.watched():
        yield lookout


@router.get("/overview/events", response_class=EventSourceResponse)
async def watch_overview(
    request: Request, visit: Visitor, lookout: Annotated[Lookout, Depends(_watched)]
) -> AsyncIterator[ServerSentEvent]:
    """The parts of the page that have changed, until the session or the process ends."""
    changes = _Changes(request, visit)
    while process_of(request).is_ready:
        try:
            await _is_still_here(request)
            seen = await lookout.overview()
        except (SignInFirst, Forbidden):
            yield ServerSentEvent(event="ended", raw_data="-")  # and it does not come back
            return
        except SQLAlchemyError:
            seen = None
        for event in changes.since_then(seen) if seen is not None else ():
            yield event
        await asyncio.sleep(lookout.every)


class _Changes:
    """Remembers what was sent to one viewer."""

    def __init__(self, request: Request, visit: Visit) -> None:
        self._request, self._visit = request, visit
        self._sent: dict[str, str] = {}
        self._layout: object = None

    def since_then(self, seen: Overview) -> Iterator[ServerSentEvent]:
        """Each part only if it is another than was sent. When lines come or go, all are sent together."""
        parts = dict(self._parts(seen))
        changed = {name: part for name, part in parts.items() if self._sent.get(name) != part}
        if seen.layout != self._layout:
            changed = {"totals": parts["totals"], "lines": self._rendered("lines", seen)}
        self._sent, self._layout = parts, seen.layout
        for name, part in changed.items():
            yield ServerSentEvent(event=name, raw_data=part)

    def _parts(self, seen: Overview) -> Iterator[tuple[str, str]]:
        yield "totals", self._rendered("totals", seen)
        for line in seen.busy:
            yield f"standing-{line.key}", self._rendered("standing", seen, line=line)
            yield f"figures-{line.key}", self._rendered("figures", seen, line=line)

    def _rendered(self, part: str, seen: Overview, **shown: object) -> str:
        return fragment(self._request, f"overview_{part}.html", self._visit, overview=seen, **shown)


@router.get("/pipelines/{name}")
def pipeline(name: str, request: Request, visit: Visitor) -> Response:
    """What a pipeline is made of, and whether it goes on."""
    return page(request, "pipeline.html", visit, pipeline=operations.pipeline_of(process_of(request), name))


@router.post("/pipelines/{name}/pause")
async def pause_pipeline(
    name: str, reason: Annotated[operations.ReasonText, Form()], request: Request, _: Acting, auditor: Auditor
) -> Response:
    """Have no step of it begin."""
    process = process_of(request)
    await process.write(operations.pause_pipeline, process, name, auditor("pipeline_paused", name), reason)
    return _back(request, "paused")


@router.post("/pipelines/{name}/resume")
async def resume_pipeline(name: str, request: Request, _: Acting, auditor: Auditor) -> Response:
    """Have it go on where it stood."""
    process = process_of(request)
    await process.write(operations.resume_pipeline, process, name, auditor("pipeline_resumed", name), None)
    return _back(request, "resumed")


def _back(request: Request, done: str) -> Response:
    lookout_of(request).forget()
    return to_page(request, f"/console?done={done}")
