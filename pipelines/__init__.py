"""Durable, sequential background work for FastAPI applications: what a crash must not lose, in steps that retry."""

from pipelines.clock import Clock
from pipelines.committer import Limits
from pipelines.destination import Destination
from pipelines.errors import (
    AlreadyServed,
    DeadlinePassed,
    Fenced,
    JournalError,
    JournalTooOld,
    NotInsideTransaction,
    OutcomeUnknown,
    Overloaded,
    PipelinesError,
    Reject,
    StateConflict,
    StepTimeout,
    StorageFull,
    Throttled,
    Unavailable,
    UnknownRun,
    UnknownStep,
    WiringError,
)
from pipelines.journal import cancel, start
from pipelines.journal.browsing import RunRecord, RunStanding, standings
from pipelines.journal.browsing import find as find_run
from pipelines.pipeline import Pipeline
from pipelines.process import Process
from pipelines.retry import Retry, Tried
from pipelines.run import Attempt, AttemptOutcome, Ending, Priority, RunState
from pipelines.step import StepContext
from pipelines.transaction import ReadSession, Transaction
from pipelines.upcast import Upcast
from pipelines.worker import Rhythm

__all__ = [
    "AlreadyServed",
    "Attempt",
    "AttemptOutcome",
    "Clock",
    "DeadlinePassed",
    "Destination",
    "Ending",
    "Fenced",
    "JournalError",
    "JournalTooOld",
    "Limits",
    "NotInsideTransaction",
    "OutcomeUnknown",
    "Overloaded",
    "Pipeline",
    "PipelinesError",
    "Priority",
    "Process",
    "ReadSession",
    "Reject",
    "Retry",
    "Rhythm",
    "RunRecord",
    "RunStanding",
    "RunState",
    "StateConflict",
    "StepContext",
    "StepTimeout",
    "StorageFull",
    "Throttled",
    "Transaction",
    "Tried",
    "Unavailable",
    "UnknownRun",
    "UnknownStep",
    "Upcast",
    "WiringError",
    "cancel",
    "find_run",
    "standings",
    "start",
]
