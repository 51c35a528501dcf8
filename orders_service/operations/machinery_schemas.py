"""What is shown of schedules and pipelines."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from pipelines import RunState

_RUN = "01a1fccd-1aee-748f-9e6d-a53a446f6bc9"


class LastRun(BaseModel):
    """The last run that a schedule has started."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    url: str
    state: RunState


class ScheduleView(BaseModel):
    """Runs of a pipeline at fixed times."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "name": "cleanup-sessions",
                    "pipeline": "cleanup-sessions",
                    "trigger": "0 0 * * * UTC",
                    "sentence": "Every midnight: forget sessions that have ended.",
                    "next_fire_at": "2026-11-29T00:00:00Z",
                    "last_fire_at": "2026-11-28T00:00:00Z",
                    "last_run": {"id": _RUN, "url": f"/v1/runs/{_RUN}", "state": "completed"},
                    "paused_at": None,
                    "paused_by": None,
                }
            ]
        },
    )

    name: str
    pipeline: str
    trigger: str = Field(description="As cron has it, and the time zone.")
    sentence: str
    next_fire_at: datetime | None
    last_fire_at: datetime | None
    last_run: LastRun | None = Field(description="Started by a tick or by hand; null when it has been deleted.")
    paused_at: datetime | None
    paused_by: str | None


class StepView(BaseModel):
    """A step: `transaction` writes our database, `action` calls outside, `compute` works in a thread."""

    model_config = ConfigDict(frozen=True)

    name: str
    kind: str
    most_attempts: int
    can_be_undone: bool


class PauseView(BaseModel):
    """Since when a pipeline is paused, by whom and why."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    by: str
    reason: str


class PipelineView(BaseModel):
    """A pipeline. `version` is today's, `versions` are all whose runs this release carries on."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "name": "remove-upload",
                    "version": "25012c1556c0",
                    "versions": ["25012c1556c0"],
                    "steps": [{"name": "remove", "kind": "transaction", "most_attempts": 1, "can_be_undone": False}],
                    "paused": None,
                    "runs": {"ready": 2, "failed": 1},
                }
            ]
        },
    )

    name: str
    version: str
    versions: list[str]
    steps: list[StepView]
    paused: PauseView | None
    runs: dict[RunState, int] = Field(description="Open runs and dead letters by state; states without are left out.")
