"""What users may import from `pipelines`; a name that goes or comes is a decision."""

import pipelines

PUBLIC = {
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
}


def test_the_public_names_are_these() -> None:
    assert set(pipelines.__all__) == PUBLIC


def test_every_public_name_says_what_may_be_relied_on() -> None:
    assert not [name for name in PUBLIC if not getattr(pipelines, name).__doc__]
