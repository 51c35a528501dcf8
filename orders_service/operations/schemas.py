"""What is shown of background work, and how it is asked for."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from orders_service.operations.steering_many import Chosen
from orders_service.pages import Limit
from orders_service.strict_models import StrictModel, Text, Timestamp
from pipelines import FoundRun, Preview, RunFilter, RunState

_RUN = "01a1fccd-1aee-748f-9e6d-a53a446f6bc9"
_STEP = (
    "Runs that stand at this step, or have stopped there; what was undone has stopped at the last step undone. "
    "One that has completed stands at none."
)
_ERROR = "Found anywhere in the reason why a run ended, or is to end."
LONGEST_NAME = 100
MOST_AT_ONCE = 1_000_000
MOST_COUNTED = 10_000
LONGEST_ERROR = 200

States = Annotated[list[Annotated[RunState, Field(strict=False)]], Field(strict=False, max_length=len(RunState))]
Name = Annotated[str, Field(max_length=LONGEST_NAME)]
ReasonText = Annotated[str, Text(500)]


class RunLink(BaseModel):
    """Where to look how it goes."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    url: str

    @classmethod
    def to(cls, run_id: UUID) -> "RunLink":
        return cls(id=run_id, url=f"/v1/runs/{run_id}")


class Accepted(BaseModel):
    """It is left to the background: the run tells how it goes."""

    model_config = ConfigDict(
        frozen=True, json_schema_extra={"examples": [{"run": {"id": _RUN, "url": f"/v1/runs/{_RUN}"}}]}
    )

    run: RunLink


class RunList(StrictModel):
    """Which runs to list."""

    pipeline: Name | None = None
    state: States = Field(default=[], description="Repeat it to name several.")
    step: Name | None = Field(default=None, description=_STEP)
    error: str | None = Field(default=None, min_length=1, max_length=LONGEST_ERROR, description=_ERROR)
    created_after: Timestamp | None = None
    created_before: Timestamp | None = None
    cursor: str | None = Field(default=None, max_length=2000)
    limit: Limit = Field(default=50, strict=False)

    @property
    def filter(self) -> RunFilter:
        """As the journal is asked."""
        return RunFilter(states=self.state, **self.model_dump(exclude={"state", "cursor", "limit"}))


class RunSummary(BaseModel):
    """A run in a list. While it is open, `attempt` is the one that comes next, or is being made."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "id": _RUN,
                    "url": f"/v1/runs/{_RUN}",
                    "pipeline": "fulfill-order",
                    "version": "25012c1556c0",
                    "state": "waiting",
                    "step": "notify_warehouse",
                    "attempt": 4,
                    "most_attempts": 8,
                    "error": "WarehouseUnavailable: 503",
                    "due_at": "2026-11-21T12:00:04Z",
                    "created_at": "2026-11-21T12:00:00Z",
                    "finished_at": None,
                }
            ]
        },
    )

    id: UUID
    url: str
    pipeline: str
    version: str
    state: RunState
    step: str
    attempt: int | None
    most_attempts: int | None
    error: str | None = Field(description="Why it ended, or why the last attempt at its step failed.")
    due_at: datetime | None = Field(description="When the next attempt is due, while it waits.")
    created_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, run: FoundRun, most_attempts: int | None = None) -> "RunSummary":
        is_open = not run.state.is_terminal
        return cls(
            id=run.id,
            url=f"/v1/runs/{run.id}",
            pipeline=run.pipeline,
            version=run.version,
            state=run.state,
            step=run.step,
            attempt=run.errors + 1 if is_open else None,
            most_attempts=most_attempts if is_open else None,
            error=run.reason or run.last_error,
            due_at=run.due_at if run.state is RunState.WAITING else None,
            created_at=run.created_at,
            finished_at=run.finished_at,
        )


class CauseView(BaseModel):
    """Why a run is where it is."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "code": "waiting",
                    "sentence": "waits until 12:04:10 UTC for attempt 4 of 8 at notify_warehouse "
                    "(WarehouseUnavailable: 503)",
                }
            ]
        },
    )

    code: str = Field(description="One of a closed set, for programs.")
    sentence: str


class Reason(StrictModel):
    """Why somebody intervenes: it is kept with who did."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "the warehouse is back"}]})

    reason: ReasonText | None = None


class PauseReason(StrictModel):
    """Why a pipeline is paused: whoever asks why a run waits is told."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "the warehouse moves house"}]})

    reason: ReasonText


class RunChoice(StrictModel):
    """Which runs: all that is said must hold; an empty choice means all of them."""

    pipeline: Name | None = None
    states: States = Field(default=[])
    step: Name | None = None
    version: Annotated[str, Field(max_length=32)] | None = None
    error: str | None = Field(default=None, min_length=1, max_length=LONGEST_ERROR, description=_ERROR)
    created_after: Timestamp | None = None
    created_before: Timestamp | None = None

    @property
    def stored(self) -> Chosen:
        return Chosen(**self.model_dump())


_CHOICE: dict[str, JsonValue] = {
    "pipeline": "fulfill-order",
    "step": "notify_warehouse",
    "error": "WarehouseUnavailable",
}


class BulkCancel(StrictModel):
    """Cancel all open runs that are chosen."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"filter": _CHOICE, "reason": "the warehouse has burned down", "dry_run": True}]
        }
    )

    filter: RunChoice
    reason: ReasonText | None = None
    dry_run: bool = Field(default=False, description="Only count them, and show the first.")
    limit: int | None = Field(default=None, ge=1, le=MOST_AT_ONCE, description="At most so many.")


class BulkRetry(BulkCancel):
    """Retry all runs that are chosen, of those that `failed` or are `quarantined`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"filter": _CHOICE, "reason": "the warehouse is back", "pace_per_second": 20, "dry_run": True}]
        }
    )

    pace_per_second: float | None = Field(
        default=None, ge=0.01, le=1000, description="They become due one after another, so many in a second."
    )


class PreviewView(BaseModel):
    """What it would be about. Nothing was changed."""

    model_config = ConfigDict(
        frozen=True, json_schema_extra={"examples": [{"count": 137, "is_more": False, "sample": []}]}
    )

    count: int
    is_more: bool = Field(description="They were counted to ten thousand, and there are more.")
    sample: list[RunSummary] = Field(description="The oldest of them.")

    @classmethod
    def of(cls, preview: Preview) -> "PreviewView":
        return cls(
            count=min(preview.count, MOST_COUNTED),
            is_more=preview.count > MOST_COUNTED,
            sample=[RunSummary.of(run) for run in preview.sample],
        )
