"""What operators and clients see of background work."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from pipelines import AttemptOutcome, RunRecord, RunState


class AttemptView(BaseModel):
    """One try at one step, or at its undo."""

    model_config = ConfigDict(frozen=True)

    step: str
    attempt: int
    kind: str = Field(description="`do`, or `undo` when the step was taken back.")
    outcome: AttemptOutcome
    error: str | None
    started_at: datetime
    finished_at: datetime


_EXAMPLE: dict[str, Any] = {
    "id": "01a1fccd-1aee-748f-9e6d-a53a446f6bc9",
    "pipeline": "fulfill-order",
    "version": "25012c1556c0",
    "state": "waiting",
    "step": "notify_warehouse",
    "progress": None,
    "error": None,
    "due_at": "2026-11-21T12:00:04Z",
    "created_at": "2026-11-21T12:00:00Z",
    "finished_at": None,
    "result": None,
    "attempts": [
        {
            "step": "notify_warehouse",
            "attempt": 1,
            "kind": "do",
            "outcome": "retry",
            "error": "WarehouseUnavailable: https://warehouse.example.com answered 500",
            "started_at": "2026-11-21T12:00:01Z",
            "finished_at": "2026-11-21T12:00:02Z",
        }
    ],
}


class RunView(BaseModel):
    """One execution of a pipeline. `step` is the one that comes next, or the last one when it has ended."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [_EXAMPLE]})

    id: UUID
    pipeline: str
    version: str
    state: RunState
    step: str
    progress: dict[str, Any] | None = None
    error: str | None
    due_at: datetime | None = Field(description="When the next attempt is due, while it waits.")
    created_at: datetime
    finished_at: datetime | None
    result: Any = None
    attempts: tuple[AttemptView, ...]

    @classmethod
    def of(cls, run: RunRecord) -> "RunView":
        return cls(
            id=run.id,
            pipeline=run.pipeline,
            version=run.version,
            state=run.state,
            step=run.step,
            error=run.reason,
            due_at=run.due_at if run.state is RunState.WAITING else None,
            created_at=run.created_at,
            finished_at=run.finished_at,
            attempts=tuple(
                AttemptView(
                    step=attempt.step,
                    attempt=attempt.number,
                    kind=attempt.direction,
                    outcome=attempt.outcome,
                    error=attempt.error,
                    started_at=attempt.started_at,
                    finished_at=attempt.finished_at,
                )
                for attempt in run.attempts
            ),
        )
