"""How a run looks over HTTP; the same in every application that mounts the router."""

from collections.abc import Iterable
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic_core import from_json

from pipelines.former import all_versions
from pipelines.journal.browsing import RunRecord
from pipelines.pipeline import Pipeline
from pipelines.run import Attempt, AttemptOutcome, Progress, RunState
from pipelines.worker import RunStands


class ProgressView(BaseModel):
    """How far the step has come."""

    model_config = ConfigDict(frozen=True)

    done: int
    total: int | None
    note: str | None

    @classmethod
    def of(cls, progress: Progress | None) -> "ProgressView | None":
        return cls(done=progress.done, total=progress.total, note=progress.note) if progress is not None else None


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

    @classmethod
    def of(cls, attempt: Attempt) -> "AttemptView":
        return cls(
            step=attempt.step,
            attempt=attempt.number,
            kind=attempt.direction,
            outcome=attempt.outcome,
            error=attempt.error,
            started_at=attempt.started_at,
            finished_at=attempt.finished_at,
        )


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
    progress: ProgressView | None
    error: str | None
    due_at: datetime | None = Field(description="When the next attempt is due, while it waits.")
    created_at: datetime
    finished_at: datetime | None
    result: Any = Field(default=None, description="What the run was for, once it has completed.")
    attempts: tuple[AttemptView, ...]

    @classmethod
    def of(cls, run: RunRecord, result: Any = None) -> "RunView":
        return cls(
            id=run.id,
            pipeline=run.pipeline,
            version=run.version,
            state=run.state,
            step=run.step,
            progress=ProgressView.of(run.progress),
            error=run.reason,
            due_at=run.due_at if run.state is RunState.WAITING else None,
            created_at=run.created_at,
            finished_at=run.finished_at,
            result=result,
            attempts=tuple(AttemptView.of(attempt) for attempt in run.attempts),
        )


class StandingView(BaseModel):
    """Where a run stands, as its event stream tells it."""

    model_config = ConfigDict(frozen=True)

    state: RunState
    step: str
    progress: ProgressView | None
    error: str | None
    due_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def of(cls, news: RunStands) -> "StandingView":
        return cls(
            state=news.state,
            step=news.step,
            progress=ProgressView.of(news.progress),
            error=news.reason,
            due_at=news.due_at,
            finished_at=news.finished_at,
        )


def view_model(pipelines: Iterable[Pipeline[Any]]) -> type[RunView]:
    """The view as OpenAPI tells it: `result` is what one of these pipelines makes."""
    results = list(dict.fromkeys(each.result_type for each in pipelines if each.result_type is not None))
    if not results:
        return RunView
    declared = (reduce(or_, results) | None, RunView.model_fields["result"])
    return create_model("RunView", __base__=RunView, __doc__=RunView.__doc__, result=declared)


class Results:
    """Reads what runs were for."""

    def __init__(self, pipelines: Iterable[Pipeline[Any]]) -> None:
        self._known = {(each.name, each.version): each for each in all_versions(pipelines)}

    def of(self, run: RunRecord) -> Any:
        """In the shape of today, where this code can read it; as it is stored, where only other code could."""
        if (pipeline := self._known.get((run.pipeline, run.version))) is not None:
            return pipeline.result_of(run)
        steps = (each.result_step for (name, _), each in self._known.items() if name == run.pipeline)
        stored = next((kept.text for step in steps if step and (kept := run.returned_by(step))), None)
        return from_json(stored) if stored is not None else None
