"""What clients see of an import."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from orders_service.pages import Limit
from orders_service.run_links import RunLink
from orders_service.strict_models import StrictModel


class ImportState(StrEnum):
    """Where an import stands: `rejected` when the file as a whole is unfit, `failed` when the service is at fault."""

    RUNNING = "running"
    COMPLETED = "completed"
    REJECTED = "rejected"
    FAILED = "failed"
    CANCELLED = "cancelled"


_ID = "01a1fccd-1aee-748f-9e6d-a53a446f6bc9"
_RUN = "01a1fccd-1aee-748f-9e6d-a539d2934ed4"
_EXAMPLE: dict[str, Any] = {
    "id": _ID,
    "state": "running",
    "reason": None,
    "file_name": "orders.csv",
    "progress": {"done": 400, "total": 1200},
    "orders": 180,
    "failed_rows": 3,
    "errors_url": f"/v1/imports/{_ID}/errors",
    "created_at": "2026-11-28T12:00:00Z",
    "finished_at": None,
    "run": {"id": _RUN, "url": f"/v1/runs/{_RUN}"},
}


class ImportProgress(BaseModel):
    """In rows, the header not counted."""

    model_config = ConfigDict(frozen=True)

    done: int
    total: int | None = Field(description="Null until the file has been read once.")


class ImportView(BaseModel):
    """A file of orders, and how far it has come."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [_EXAMPLE]})

    id: UUID
    state: ImportState
    reason: str | None = Field(default=None, description="Why it was rejected, failed or cancelled.")
    file_name: str | None = None
    progress: ImportProgress
    orders: int = Field(description="How many were placed; they stay, whatever becomes of the rest.")
    failed_rows: int
    errors_url: str = Field(description="A CSV with what was wrong, row by row.")
    created_at: datetime
    finished_at: datetime | None = None
    run: RunLink

    @property
    def is_open(self) -> bool:
        return self.state is ImportState.RUNNING


class ImportList(StrictModel):
    """Which imports to list."""

    cursor: str | None = Field(default=None, max_length=500)
    limit: Limit = Field(default=50, strict=False)
