"""What the page of one run shows, before it is HTML: read at one moment, bounded whatever the run has been through."""

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from orders_service import operations
from orders_service.auth import Principal
from orders_service.console.run_picture import Picture, picture_of
from orders_service.console.run_steps import ShownStep, names_of_steps, steps_of
from orders_service.console.run_subject import Subject, subject_of
from orders_service.console.shown_json import PERSONAL, ShownJson, declared_secrets, shown
from pipelines import (
    Attempt,
    Intervention,
    Pipeline,
    Process,
    ReadSession,
    RunRecord,
    RunState,
    UnknownRun,
    find_run,
    interventions_of,
)

MOST_LISTED = 200  # attempts in the table: the latest
MOST_RESULTS = 20
MOST_INTERVENTIONS = 100

_REPLACED = "before"
_STOPPED = {RunState.FAILED, RunState.QUARANTINED}
_CANCELLABLE = {RunState.READY, RunState.RUNNING, RunState.WAITING}


@dataclass(frozen=True, slots=True)
class Tried:
    """An attempt, and how long nothing was tried before it."""

    attempt: Attempt
    waited: timedelta


@dataclass(frozen=True, slots=True)
class Returned:
    """What an attempt has left behind."""

    step: str
    number: int
    outcome: str
    json: ShownJson


@dataclass(frozen=True, slots=True)
class Intervened:
    """What somebody did, and what is written down with it, as it may be shown."""

    by: Intervention
    details: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Action:
    """Something that the run's state allows; `verb` is the same in the address of the page and in the API's."""

    verb: str
    label: str
    kind: str = ""
    confirm: str = ""


_RETRY = Action("retry", "Retry")
_RETRY_UNDO = Action("retry-undo", "Retry the undo")
_REPLAY = Action("replay", "Replay as a new run", "quiet")
_CANCEL = Action("cancel", "Cancel", "danger", "Cancel this run? What it has done is undone.")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPage:
    """All of it."""

    run: RunRecord
    cause: str
    now: datetime
    steps: tuple[ShownStep, ...]
    picture: Picture
    tried: tuple[Tried, ...]
    earlier: int
    subject: Subject | None
    input: ShownJson
    results: tuple[Returned, ...]
    interventions: tuple[Intervened, ...]
    actions: tuple[Action, ...]

    @property
    def lasted(self) -> timedelta:
        return (self.run.finished_at or self.now) - self.run.created_at

    @property
    def is_live(self) -> bool:
        return not self.run.state.is_terminal

    @property
    def trace_id(self) -> str | None:
        """Of the request that started it, in the words of W3C's trace context."""
        parts = (self.run.traceparent or "").split("-")
        return parts[1] if len(parts) > 1 else None


def page_of(process: Process, session: ReadSession, run_id: UUID, principal: Principal) -> RunPage:
    """Raises `UnknownRun`, also for one that ended so long ago that it has been removed."""
    run = find_run(session, run_id)
    if run is None:
        raise UnknownRun(str(run_id))
    wired = process.wired.get((run.pipeline, run.version))
    pipeline = wired.pipeline if wired is not None else None
    private = frozenset[str]() if principal.is_admin else PERSONAL
    secrets = private | (declared_secrets(pipeline.input_type) if pipeline is not None else frozenset())
    now, tried = process.clock.now(), list(_tried(run))
    return RunPage(
        run=run,
        cause=operations.cause_for(principal, process.steering.why(session, run_id)).sentence,
        now=now,
        steps=steps_of(run, pipeline),
        picture=picture_of(run, names_of_steps(run, pipeline), now),
        tried=tuple(tried[-MOST_LISTED:]),
        earlier=max(0, len(tried) - MOST_LISTED),
        subject=subject_of(session, run, principal),
        input=shown(run.payload, secrets),
        results=_results(run, pipeline, private),
        interventions=tuple(
            Intervened(each, tuple(_details(each.details, secrets)))
            for each in interventions_of(session, run_id)[-MOST_INTERVENTIONS:]
        ),
        actions=tuple(_actions(process, run)),
    )


def _tried(run: RunRecord) -> Iterator[Tried]:
    idle_since = run.created_at
    for attempt in run.attempts:
        yield Tried(attempt, max(timedelta(), attempt.started_at - idle_since))
        idle_since = max(idle_since, attempt.finished_at)


def _results(run: RunRecord, pipeline: Pipeline[Any] | None, private: frozenset[str]) -> tuple[Returned, ...]:
    """What steps have returned, and the evidence that failed attempts have left."""
    steps = pipeline.steps if pipeline is not None else ()
    secrets = private | declared_secrets(*(step.result_type for step in steps))
    left = [attempt for attempt in run.attempts if attempt.result not in {None, "null"}][-MOST_RESULTS:]
    return tuple(Returned(each.step, each.number, each.outcome, shown(each.result or "", secrets)) for each in left)


def _details(said: Mapping[str, Any], secrets: frozenset[str]) -> Iterator[tuple[str, str]]:
    """The input that a repair has replaced is among them, and is shown as inputs are."""
    for name, value in said.items():
        yield name, shown(value, secrets).text if name == _REPLACED else str(value)


def _actions(process: Process, run: RunRecord) -> Iterator[Action]:
    """What would be refused is not offered; who comes too late is still told by the refusal."""
    if run.state in _STOPPED:
        yield _RETRY if run.undo_failure is None else _RETRY_UNDO
    if run.state in _CANCELLABLE and run.ending is None:
        yield _CANCEL
    known = [wired.pipeline for (name, _), wired in process.wired.items() if name == run.pipeline]
    if run.state.is_terminal and known and all(each.end is None for each in known):
        yield _REPLAY


def curl_of(base_url: str, run_id: UUID, action: Action | None = None) -> str:
    """The same from a shell, without anybody's credential."""
    url = f"{base_url.rstrip('/')}/v1/runs/{run_id}" + (f"/{action.verb}" if action is not None else "")
    asked = f'curl -H "Authorization: Bearer $ORDERS_KEY" {shlex.quote(url)}'
    if action is None:
        return asked
    return f"{asked} -H 'Content-Type: application/json' -d '{json.dumps({'reason': 'why'})}'"
