"""One execution of a pipeline for one input: its states, and how it moves from one to the next."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Any, NamedTuple
from uuid import UUID, uuid5


class RunState(StrEnum):
    """Where a run stands; the words of the journal, the metrics and the API."""

    READY = "ready"
    RUNNING = "running"
    WAITING = "waiting"
    UNDOING = "undoing"
    COMPLETED = "completed"
    REJECTED = "rejected"
    FAILED = "failed"
    CANCELLED = "cancelled"
    QUARANTINED = "quarantined"

    @property
    def is_terminal(self) -> bool:
        return self in TERMINAL


TERMINAL = frozenset({RunState.COMPLETED, RunState.REJECTED, RunState.FAILED, RunState.CANCELLED, RunState.QUARANTINED})
OPEN = frozenset(RunState) - TERMINAL
DEAD_LETTERS = (RunState.FAILED, RunState.QUARANTINED)  # kept until somebody looks at them, and retries them perhaps


SUSPECT_AFTER = 2  # crashes: one may be anybody's, two are too many to be let near others
QUARANTINED_AFTER = 3  # deaths of a process in which the run was alone


class Priority(IntEnum):
    """Which runs are taken first; among equals those that have been due for longest."""

    HIGH = 0
    NORMAL = 1
    LOW = 2


class Direction(StrEnum):
    """Whether an attempt did a step or undid it."""

    DO = "do"
    UNDO = "undo"


class AttemptOutcome(StrEnum):
    """How an attempt ended; the words of the journal and the metrics."""

    SUCCESS = "success"
    RETRY = "retry"
    THROTTLED = "throttled"
    REJECTED = "rejected"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a step has come: so many done, of so many if that is known, and a word about it."""

    done: int
    total: int | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ends, and why; what `@pipeline.at_end` asks for."""

    state: RunState
    reason: str | None = None


class StoredResult(NamedTuple):
    """A step's result as the journal keeps it; `version` is that of the code that wrote it, if not the run's own."""

    text: str | None
    version: str | None = None


_AFRESH: dict[str, Any] = {"attempt": 0, "errors": 0, "crashes": 0, "solo": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run as its owner holds it. `step` is the one to do next or, while undoing, the one to undo next.

    `tries` counts all moves there have been, so that attempts keep their order whatever the clocks say. What could not
    be undone is kept in `undo_failure`, which is the end of `reason`; whoever resumes the undoing skips what is in
    `undone`, and numbers attempts from `undo_tries` on.
    """

    id: UUID
    pipeline: str
    version: str
    payload: str
    state: RunState
    step: str
    fence: int
    created_at: datetime
    step_since: datetime
    generation: int = 0
    attempt: int = 0
    errors: int = 0
    crashes: int = 0
    solo: bool = False
    tries: int = 0
    serial: str | None = None
    deadline_at: datetime | None = None
    traceparent: str | None = None
    ending: RunState | None = None
    reason: str | None = None
    undo_failure: str | None = None
    undone: frozenset[str] = frozenset()
    undo_tries: Mapping[str, int] = field(default_factory=dict)
    results: dict[str, Any] = field(default_factory=dict)

    @property
    def direction(self) -> Direction:
        return Direction.UNDO if self.state is RunState.UNDOING else Direction.DO

    @property
    def must_end_by(self) -> datetime | None:
        """When its time is up; what is undone has no deadline."""
        return None if self.state is RunState.UNDOING else self.deadline_at

    @property
    def goes_back(self) -> bool:
        """Whether it is being undone, or was until it was quarantined."""
        return self.ending not in {None, RunState.QUARANTINED}

    @property
    def is_suspect(self) -> bool:
        """Whether it may be what processes die of: then it is alone in its process until its next attempt row."""
        return self.crashes >= SUSPECT_AFTER

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt at this step, whoever owns the run; another for its undo."""
        return str(uuid5(self.id, f"{self.step}/{self.direction}/{self.generation}"))

    def at_step(self, step: str, since: datetime, results: dict[str, Any]) -> "Run":
        """The run one step on, in the direction in which it is going."""
        return replace(self, step=step, step_since=since, results=results, tries=self.tries + 1, **_AFRESH)

    def postponed(self, *, counted: bool) -> "Run":
        """The run after an attempt that did not get it on; only an error counts against the budget."""
        state = self.state if self.state is RunState.UNDOING else RunState.WAITING
        tried = {"tries": self.tries + 1, "attempt": self.attempt + 1, "errors": self.errors + counted}
        return replace(self, state=state, **_AFRESH | tried)

    def put_aside(self) -> "Run":
        """The run for which there was no room: it has moved, but nothing was tried."""
        state = self.state if self.state is RunState.UNDOING else RunState.WAITING
        return replace(self, state=state, tries=self.tries + 1)

    def turned_back(self, ending: RunState, reason: str | None, *, step: str, since: datetime) -> "Run":
        """The run on its way back, `step` being the first to undo."""
        back = replace(self, state=RunState.UNDOING, ending=ending, reason=reason)
        return replace(back.at_step(step, since, self.results), attempt=self.undo_tries.get(step, 0))

    def left_undone(self, what: str) -> "Run":
        """The run when something of it stays as it is, though it should be undone. `what` goes on with the reason."""
        return replace(self, reason=f"{self.reason}{what}", undo_failure=f"{self.undo_failure or ''}{what}")

    def ended(self, state: RunState, reason: str | None = None) -> "Run":
        """The run at its end; that was to be another one, if it is still to be undone."""
        ending = self.ending if self.undo_failure is not None else state
        return replace(self, state=state, ending=ending, reason=reason, tries=self.tries + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try at one step of one run, as the journal keeps it. `version` is that of the code, if not the run's own."""

    step: str
    direction: Direction
    number: int
    place: int
    outcome: AttemptOutcome
    started_at: datetime
    finished_at: datetime
    error: str | None = None
    result: str | None = None
    version: str | None = None

    @property
    def did_succeed(self) -> bool:
        """Whether it did its step; an undo does not."""
        return self.direction is Direction.DO and self.outcome is AttemptOutcome.SUCCESS

    @property
    def took(self) -> timedelta:
        return self.finished_at - self.started_at
