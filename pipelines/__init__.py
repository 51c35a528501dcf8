"""Durable, sequential background work for FastAPI applications: what a crash must not lose, in steps that retry."""

from pipelines.clock import Clock
from pipelines.committer import Limits
from pipelines.destination import Destination
from pipelines.errors import (
    AlreadyServed,
    DeadlinePassed,
    Fenced,
    JournalError,
    JournalMoved,
    JournalTooOld,
    NoSession,
    NotInsideTransaction,
    NotMoved,
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
    WithEvidence,
)
from pipelines.journal import (
    FoundRun,
    Intervention,
    PipelinePause,
    Preview,
    RunFilter,
    ScheduleRecord,
    Schedules,
    cancel,
    list_runs,
    pause,
    pauses_of,
    resume,
    start,
)
from pipelines.journal.browsing import RunRecord, RunStanding, standings
from pipelines.journal.browsing import depths as counts_of_runs
from pipelines.journal.browsing import find as find_run
from pipelines.journal.browsing import find_many as find_runs
from pipelines.journal.dead_letters import DeadLetter, DeadLetters, dead_letters
from pipelines.journal.explaining import Cause
from pipelines.journal.interventions import latest as latest_interventions
from pipelines.journal.interventions import of_run as interventions_of
from pipelines.journal.tallying import EndedRuns, Glance, died_runs, ended_runs, glance, time_limit
from pipelines.pipeline import Pipeline
from pipelines.process import Process
from pipelines.retention import Retention
from pipelines.retry import Retry, Tried
from pipelines.run import Attempt, AttemptOutcome, Ending, Priority, Progress, RunState
from pipelines.schedule import CatchUp, Schedule, cron, schedule
from pipelines.step import StepContext
from pipelines.transaction import ReadSession, Transaction
from pipelines.upcast import Upcast
from pipelines.worker import AttemptMade, Carrier, Rhythm, RunNews, RunStands, Steered, Steering, SteeringMany, Watch

__all__ = [
    "AlreadyServed",
    "Attempt",
    "AttemptMade",
    "AttemptOutcome",
    "Carrier",
    "CatchUp",
    "Cause",
    "Clock",
    "DeadLetter",
    "DeadLetters",
    "DeadlinePassed",
    "Destination",
    "EndedRuns",
    "Ending",
    "Fenced",
    "FoundRun",
    "Glance",
    "Intervention",
    "JournalError",
    "JournalMoved",
    "JournalTooOld",
    "Limits",
    "NoSession",
    "NotInsideTransaction",
    "NotMoved",
    "OutcomeUnknown",
    "Overloaded",
    "Pipeline",
    "PipelinePause",
    "PipelinesError",
    "Preview",
    "Priority",
    "Process",
    "Progress",
    "ReadSession",
    "Reject",
    "Retention",
    "Retry",
    "Rhythm",
    "RunFilter",
    "RunNews",
    "RunRecord",
    "RunStanding",
    "RunStands",
    "RunState",
    "Schedule",
    "ScheduleRecord",
    "Schedules",
    "StateConflict",
    "Steered",
    "Steering",
    "SteeringMany",
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
    "Watch",
    "WiringError",
    "WithEvidence",
    "cancel",
    "counts_of_runs",
    "cron",
    "dead_letters",
    "died_runs",
    "ended_runs",
    "find_run",
    "find_runs",
    "glance",
    "interventions_of",
    "latest_interventions",
    "list_runs",
    "pause",
    "pauses_of",
    "resume",
    "schedule",
    "standings",
    "start",
    "time_limit",
]
