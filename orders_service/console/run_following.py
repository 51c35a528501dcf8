"""The page of a run that is open keeps itself up to date: what has changed is sent again, when something happens."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Any
from uuid import UUID

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import Request
from fastapi.sse import ServerSentEvent
from sqlalchemy.exc import SQLAlchemyError

from orders_service.auth import Scope, Unauthenticated, behind_console_session
from orders_service.console.pages import fragment
from orders_service.console.run_page import RunPage, curl_of, page_of
from orders_service.console.visits import COOKIE, Visit
from orders_service.database import process_of
from pipelines import AttemptMade, ReadSession, RunNews, RunState, UnknownRun, Watch

PARTS = ("standing", "actions", "steps", "timeline", "subject", "attempts", "results", "interventions")
"""Each is a template `run_<part>.html`, and an event of that name: what is typed in one survives news of others."""

LONGEST_SECONDS = 300.0  # then the browser connects again, and has to show its cookie
LEAST_PAUSE_SECONDS = 0.25
READERS = 2  # pages are read for one viewer each: they queue up here, and not before the pool

_ENDED = ServerSentEvent(event="ended", raw_data="")
_CONNECT_AGAIN_MS = 2000

_readers = CapacityLimiter(READERS)


def told_of(request: Request, shown: RunPage) -> dict[str, Any]:
    """What the templates are given."""
    return {
        "shown": shown,
        "run": shown.run,
        "now": shown.now,
        "curl_of": partial(curl_of, str(request.base_url), shown.run.id),
    }


async def follow(request: Request, visit: Visit, run_id: UUID, watch: Watch) -> AsyncIterator[ServerSentEvent]:
    """Until the run or the session ends, or the process drains; after some minutes it is the browser's turn again."""
    told: dict[str, str] = {}
    shown: RunPage | None = None
    async for news in _news(watch, LONGEST_SECONDS):
        if shown is not None and _is_told(news, shown):
            continue
        try:
            shown = await run_sync(partial(_look, request, run_id), limiter=_readers)
        except SQLAlchemyError:
            return  # the database is away: the browser asks again
        if shown is None:
            break
        for event in _changed(told, _parts(request, visit, shown)):
            yield event
        await asyncio.sleep(LEAST_PAUSE_SECONDS)  # a run that hurries is shown as it is then, not as it was
    if shown is None or not shown.is_live:
        yield _ENDED


async def _news(watch: Watch, seconds: float) -> AsyncIterator[RunNews]:
    until = asyncio.get_running_loop().time() + seconds
    coming = aiter(watch)
    while True:
        try:
            async with asyncio.timeout_at(until):
                news = await anext(coming)
        except (TimeoutError, StopAsyncIteration):
            return
        yield news


def _is_told(news: RunNews, shown: RunPage) -> bool:
    """The page was read after this had happened."""
    run = shown.run
    if isinstance(news, AttemptMade):
        return any(each.place >= news.attempt.place for each in run.attempts)
    due_at = run.due_at if run.state is RunState.WAITING else None
    stands = (run.state, run.step, run.progress, run.reason, due_at, run.finished_at)
    return stands == (news.state, news.step, news.progress, news.reason, news.due_at, news.finished_at)


def _look(request: Request, run_id: UUID) -> RunPage | None:
    """Nothing, once the session has ended or the run has been removed."""
    process = process_of(request)
    with ReadSession(process.readers) as session:
        try:
            principal = behind_console_session(session, request.state.keyring, request.cookies.get(COOKIE, ""))
            return page_of(process, session, run_id, principal) if principal.may(Scope.OPERATIONS_READ) else None
        except (Unauthenticated, UnknownRun):
            return None


def _parts(request: Request, visit: Visit, shown: RunPage) -> dict[str, str]:
    return {part: fragment(request, f"run_{part}.html", visit, **told_of(request, shown)) for part in PARTS}


def _changed(told: dict[str, str], parts: Mapping[str, str]) -> list[ServerSentEvent]:
    changed = {part: html for part, html in parts.items() if told.get(part) != html}
    told.update(changed)
    return [ServerSentEvent(event=part, raw_data=html, retry=_CONNECT_AGAIN_MS) for part, html in changed.items()]
