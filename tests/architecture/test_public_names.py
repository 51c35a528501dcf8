"""What users may import from `pipelines`; a name that goes or comes is a decision."""

import pipelines
import pipelines.fastapi

PUBLIC = {
    "AlreadyServed",
    "Attempt",
    "AttemptMade",
    "AttemptOutcome",
    "CatchUp",
    "Cause",
    "Clock",
    "DeadlinePassed",
    "Destination",
    "Ending",
    "Fenced",
    "FoundRun",
    "Intervention",
    "JournalError",
    "JournalTooOld",
    "Limits",
    "NotInsideTransaction",
    "OutcomeUnknown",
    "Overloaded",
    "Pipeline",
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
    "cancel",
    "cron",
    "find_run",
    "interventions_of",
    "latest_interventions",
    "pause",
    "resume",
    "schedule",
    "standings",
    "start",
}


FASTAPI = {
    "BackgroundTasks",
    "BackgroundWork",
    "TaskList",
    "TaskRefused",
    "Write",
    "Writer",
    "durable",
    "process_of",
    "run_router",
    "running",
}


def test_the_public_names_are_these() -> None:
    assert set(pipelines.__all__) == PUBLIC


def test_the_public_names_for_fastapi_are_these() -> None:
    assert set(pipelines.fastapi.__all__) == FASTAPI


def test_every_public_name_says_what_may_be_relied_on() -> None:
    assert not [name for name in PUBLIC if not getattr(pipelines, name).__doc__]
