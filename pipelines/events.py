"""What happened, as frozen values: the library emits them, metrics and logs subscribe. Emitted on the event loop."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID


@dataclass(frozen=True, slots=True)
class BatchCommitted:
    """One COMMIT of the committer has answered; `seconds` from its first statement on."""

    size: int
    seconds: float


@dataclass(frozen=True, slots=True)
class CommitDoubted:
    """The answer to a COMMIT was lost, and the journal has been asked whether it holds the batch."""

    committed: bool


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A run is on disk."""

    run_id: UUID
    pipeline: str


@dataclass(frozen=True, slots=True)
class StepBegun:
    """An attempt begins, in the task that makes it; told only when a subscriber `follows_steps`.

    After it comes `StepAttempted` or `StepAbandoned` of the same run, in the same task.
    """

    run_id: UUID
    pipeline: str
    step: str
    kind: str
    attempt: int
    traceparent: str | None
    function: str | None = None  # `module.qualname`


@dataclass(frozen=True, slots=True)
class StepAbandoned:
    """What had begun leaves no attempt in the journal: it was broken off, or was no step at all."""

    run_id: UUID


@dataclass(frozen=True, slots=True)
class StepAttempted:
    """One try at one step, or at its undo, is on disk."""

    run_id: UUID
    pipeline: str
    step: str
    kind: str
    attempt: int
    outcome: str
    waited_seconds: float
    seconds: float
    error: str | None


@dataclass(frozen=True, slots=True)
class StepProgressed:
    """What a step says of its progress is on disk, if the run was still there."""

    run_id: UUID
    pipeline: str
    step: str


@dataclass(frozen=True, slots=True)
class RunPutAside:
    """There was no room for a call to this destination; the run comes back after so many seconds, none is spent."""

    run_id: UUID
    pipeline: str
    step: str
    destination: str
    seconds: float


@dataclass(frozen=True, slots=True)
class StepRaised:
    """A step, or an undo, has raised this; what follows from it is not on disk yet. For whoever collects tracebacks.

    `is_final`: it is not tried again.
    """

    run_id: UUID
    pipeline: str
    step: str
    error: Exception
    is_final: bool = False


@dataclass(frozen=True, slots=True)
class RunFinished:
    """A run has reached a terminal state."""

    run_id: UUID
    pipeline: str
    outcome: str
    seconds: float


@dataclass(frozen=True, slots=True)
class RunLeft:
    """A run stands before a step that this code does not have; it waits for code that has it."""

    run_id: UUID
    pipeline: str
    version: str
    step: str


@dataclass(frozen=True, slots=True)
class WriteRefused:
    """The fence refused a write: the run belongs to somebody else by now."""

    run_id: UUID
    pipeline: str


@dataclass(frozen=True, slots=True)
class RunsReaped:
    """Processes were found dead; their runs, if they had any, are free again."""

    runs: int
    quarantined: int
    processes: int = 1


@dataclass(frozen=True, slots=True)
class TicksFired:
    """Ticks of a schedule have been fired, each as a run of its own; after a time down there may be several."""

    schedule: str
    runs: int


@dataclass(frozen=True, slots=True)
class TickFailed:
    """A tick is due and its run could not be started: its input could not be made. It is tried again, and again."""

    schedule: str
    error: str


@dataclass(frozen=True, slots=True)
class RunsPruned:
    """Runs that ended long ago have been deleted."""

    runs: int


@dataclass(frozen=True, slots=True)
class WakeUpsSent:
    """Wake-ups for other processes were `published`, or `failed`, or `dropped`: there was no use trying."""

    outcome: str
    count: int


@dataclass(frozen=True, slots=True)
class WakeUpHeard:
    """Somebody brought a wake-up; the run was `taken`, or `left`, or there was no slot (`full`)."""

    outcome: str


@dataclass(frozen=True, slots=True)
class CarrierChanged:
    """The carrier of wake-ups cannot reach its broker, or its readers, for an error of this kind; or can again."""

    error: str | None


@dataclass(frozen=True, slots=True)
class ProcessFailed:
    """This process cannot go on, and must end: a supervisor starts a new incarnation."""

    reason: str


Event: TypeAlias = (
    BatchCommitted
    | CommitDoubted
    | RunStarted
    | StepBegun
    | StepAbandoned
    | StepAttempted
    | RunPutAside
    | StepRaised
    | StepProgressed
    | RunFinished
    | RunLeft
    | WriteRefused
    | RunsReaped
    | TicksFired
    | TickFailed
    | RunsPruned
    | WakeUpsSent
    | WakeUpHeard
    | CarrierChanged
    | ProcessFailed
)
Subscriber: TypeAlias = Callable[[Event], None]


class Events:
    """Passes each event to all subscribers, in the order in which they subscribed."""

    def __init__(self, *subscribers: Subscriber) -> None:
        self._subscribers: list[Subscriber] = []
        self.are_steps_followed = False
        for subscriber in subscribers:
            self.subscribe(subscriber)

    def subscribe(self, subscriber: Subscriber) -> None:
        """Have it called from now on; one with an attribute `follows_steps` that is true hears of beginnings too."""
        self._subscribers.append(subscriber)
        self.are_steps_followed |= getattr(subscriber, "follows_steps", False)

    def unsubscribe(self, subscriber: Subscriber) -> None:
        self._subscribers.remove(subscriber)

    def emit(self, event: Event) -> None:
        for subscriber in self._subscribers:
            subscriber(event)
