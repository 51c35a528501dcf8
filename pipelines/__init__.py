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
    UnknownSchedule,
    UnknownStep,
    WiringError,
)
from pipelines.journal import ScheduleRecord, Schedules, cancel, start
from pipelines.journal.browsing import RunRecord, RunStanding, standings
from pipelines.journal.browsing import find as find_run
from pipelines.pipeline import Pipeline
from pipelines.process import Process
from pipelines.retention import Retention
from pipelines.retry import Retry, Tried
from pipelines.run import Attempt, AttemptOutcome, Ending, Priority, RunState
from pipelines.schedule import CatchUp, Schedule, cron, schedule
from pipelines.step import StepContext
from pipelines.transaction import ReadSession, Transaction
from pipelines.upcast import Upcast
from pipelines.worker import Rhythm

__all__ = [
    "AlreadyServed",
    "Attempt",
    "AttemptOutcome",
    "CatchUp",
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
    "Retention",
    "Retry",
    "Rhythm",
    "RunRecord",
    "RunStanding",
    "RunState",
    "Schedule",
    "ScheduleRecord",
    "Schedules",
    "StateConflict",
    "StepContext",
    "StepTimeout",
    "StorageFull",
    "Throttled",
    "Transaction",
    "Tried",
    "Unavailable",
    "UnknownRun",
    "UnknownSchedule",
    "UnknownStep",
    "Upcast",
    "WiringError",
    "cancel",
    "cron",
    "find_run",
    "schedule",
    "standings",
    "start",
]
