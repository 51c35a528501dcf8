"""A router to mount: how a run stands, at once or when it has ended, and what happens to it as it happens."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from enum import Enum
from functools import partial
from typing import Annotated, Any, TypeAlias
from uuid import UUID

from anyio import CapacityLimiter, move_on_after
from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Header, HTTPException, Query, Request, Response
from fastapi.params import Depends as Dependency
from fastapi.routing import APIRoute
from fastapi.sse import EventSourceResponse, ServerSentEvent

from pipelines.errors import JournalError, Overloaded, UnknownRun
from pipelines.fastapi.lifespan import process_of
from pipelines.fastapi.views import AttemptView, Results, RunView, StandingView, view_model
from pipelines.journal import browsing
from pipelines.pipeline import Pipeline
from pipelines.process import Process
from pipelines.transaction import ReadSession
from pipelines.worker import AttemptMade, RunNews, Watch

LONGEST_WAIT = 30
ASK_AGAIN_SECONDS = "1"
READERS = 4

LastEventId: TypeAlias = Annotated[str | None, Header(alias="Last-Event-ID")]

_NO_CONTENT = 204
_NO_MORE: dict[int | str, dict[str, Any]] = {_NO_CONTENT: {"description": "The run has ended, and all was told."}}
_NOT_FOUND = 404
_UNAVAILABLE = 503


def run_router(
    pipelines: Iterable[Pipeline[Any]] = (),
    *,
    prefix: str = "/runs",
    dependencies: Sequence[Dependency] = (),
    process: Callable[[Request], Process] = process_of,
    route_class: type[APIRoute] = APIRoute,
    tags: Sequence[str | Enum] = ("runs",),
    responses: dict[int | str, dict[str, Any]] | None = None,
) -> APIRouter:
    """`GET {prefix}/{run_id}`, with `?wait=5` as a long poll, and `GET {prefix}/{run_id}/events` as a stream.

    Whoever may ask may see every run: `dependencies` say no, and have `run_id` in their path. What nobody knows is a
    404; in OpenAPI `result` has the types that `pipelines` declare. Streams end when the process begins to drain.
    """
    router = APIRouter(
        prefix=prefix,
        tags=list(tags),
        dependencies=list(dependencies),
        route_class=route_class,
        responses=responses or {_NOT_FOUND: {"description": "There is no such run."}},
    )
    desk = _Desk(tuple(pipelines), process)
    _add_view(router, desk)
    _add_events(router, desk)
    return router


class _Desk:
    """Answers what the routes ask."""

    def __init__(self, pipelines: Sequence[Pipeline[Any]], process: Callable[[Request], Process]) -> None:
        self.pipelines = pipelines
        self.results = Results(pipelines)
        self.process = process
        self._readers = CapacityLimiter(READERS)  # no more than the pool has connections: the rest queue up here

    async def find(self, request: Request, run_id: UUID) -> browsing.RunRecord:
        """Raises 404."""
        found = await run_sync(partial(_read, self.process(request), run_id), limiter=self._readers)
        if found is None:
            raise HTTPException(_NOT_FOUND)
        return found

    async def until_ended(self, request: Request, run_id: UUID, seconds: int) -> None:
        """At most so long. Where nobody can be watched just now, whoever asked may ask again."""
        try:
            with move_on_after(seconds):
                async with self.process(request).watch(run_id) as watch:
                    await watch.until_ended()
        except (JournalError, UnknownRun):
            return


def _read(process: Process, run_id: UUID) -> browsing.RunRecord | None:
    with ReadSession(process.readers) as session:
        return browsing.find(session, run_id)


def _add_view(router: APIRouter, desk: _Desk) -> None:
    @router.get("/{run_id}", response_model=view_model(desk.pipelines))
    async def get_run(
        run_id: UUID,
        request: Request,
        wait: Annotated[int, Query(ge=0, le=LONGEST_WAIT, description="Answer when it has ended, or so late.")] = 0,
    ) -> Response:
        """Show a run with all its attempts. While it is open, `Retry-After` says when to ask again."""
        run = await desk.find(request, run_id)
        if wait and not run.state.is_terminal:
            await desk.until_ended(request, run_id, wait)
            run = await desk.find(request, run_id)
        again = {} if run.state.is_terminal else {"Retry-After": ASK_AGAIN_SECONDS}
        view = RunView.of(run, desk.results.of(run))
        return Response(
            view.model_dump_json(), headers={"Cache-Control": "no-store"} | again, media_type="application/json"
        )


def _add_events(router: APIRouter, desk: _Desk) -> None:
    async def watched(
        run_id: UUID, request: Request, response: Response, last_event_id: LastEventId = None
    ) -> AsyncIterator[Watch]:
        """Before the stream begins, since what is refused later could not be told."""
        try:
            async with desk.process(request).watch(run_id, after=last_event_id) as watch:
                if watch.has_told_all:
                    response.status_code = _NO_CONTENT  # the only word that keeps a browser from asking again
                yield watch
        except UnknownRun:
            raise HTTPException(_NOT_FOUND) from None
        except Overloaded:
            raise HTTPException(_UNAVAILABLE, headers={"Retry-After": ASK_AGAIN_SECONDS}) from None

    @router.get("/{run_id}/events", response_class=EventSourceResponse, responses=_NO_MORE)
    async def follow_run(watch: Annotated[Watch, Depends(watched)]) -> AsyncIterator[ServerSentEvent]:
        """Tell what happens to a run, as it happens, from its beginning or from `Last-Event-ID` on.

        `attempt` is a try at a step, each told once; `run` is where the run then stands, with its progress. The stream
        ends with the run; who then asks again is answered 204.
        """
        async for news in watch:
            yield _event(news)


def _event(news: RunNews) -> ServerSentEvent:
    match news:
        case AttemptMade(attempt=attempt):
            return ServerSentEvent(event="attempt", id=news.id, data=AttemptView.of(attempt))
        case _:
            return ServerSentEvent(event="run", id=news.id, data=StandingView.of(news))
