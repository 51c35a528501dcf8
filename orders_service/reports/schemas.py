"""What clients send and see of a report."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, EmailStr, Field
from pydantic_core import PydanticCustomError

from orders_service.pages import Limit
from orders_service.reports.contents import ReportType, Result
from orders_service.reports.periods import LONGEST_MOMENT, MOST_DAYS, moment_of
from orders_service.run_links import RunLink
from orders_service.strict_models import StrictModel
from orders_service.time_zones import LONGEST_NAME, zone_of


class ReportState(StrEnum):
    """How far a report has come."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    REJECTED = "rejected"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_open(self) -> bool:
        return self in {ReportState.PENDING, ReportState.RUNNING}


class FileFormat(StrEnum):
    """A table, a page, or the result as it is."""

    CSV = "csv"
    HTML = "html"
    JSON = "json"


def _moment(text: str) -> str:
    try:
        moment_of(text)
    except ValueError:
        message = "Input should be a date, or a time as in RFC 3339 with its offset, of the years 2000 to 2999"
        raise PydanticCustomError("moment", message) from None
    return text


def _time_zone(name: str) -> str:
    try:
        zone_of(name)
    except ValueError as error:
        raise PydanticCustomError("time_zone", "Input {reason}", {"reason": str(error)}) from None
    return name


Moment = Annotated[str, Field(max_length=LONGEST_MOMENT), AfterValidator(_moment)]
TimeZone = Annotated[str, Field(max_length=LONGEST_NAME), AfterValidator(_time_zone)]


class ReportDraft(StrictModel):
    """What to report on."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"type": "sales", "from": "2026-11-01", "to": "2026-11-30", "time_zone": "Europe/Berlin"}]
        }
    )

    type: ReportType = Field(strict=False)
    first: Moment | None = Field(
        default=None,
        alias="from",
        description=f"A day, or a moment. 29 days before the last unless given; {MOST_DAYS} days at most.",
    )
    last: Moment | None = Field(
        default=None,
        alias="to",
        description="The last day, which is included, or the moment before which it ends. Today unless given.",
    )
    time_zone: TimeZone = Field(
        default="UTC", description="Whose days they are: a name of the IANA time zone database."
    )
    notify_email: EmailStr | None = Field(
        default=None, max_length=254, description="Who gets a mail when the report is ready."
    )


_ID = "01a1fccd-1aee-748f-9e6d-a539d2934ed4"
_RUN = "01a1fccd-1aee-748f-9e6d-a53a446f6bc9"
_REVENUE = {"amount": 3998, "currency": "EUR"}
_EXAMPLE: dict[str, Any] = {
    "id": _ID,
    "type": "sales",
    "state": "completed",
    "progress": {"done": 100, "total": 100},
    "from": "2026-11-30",
    "to": "2026-11-30",
    "time_zone": "Europe/Berlin",
    "since": "2026-11-29T23:00:00Z",
    "until": "2026-11-30T23:00:00Z",
    "notify_email": None,
    "error": None,
    "result": {
        "type": "sales",
        "totals": [{"orders": 1, "units": 2, "revenue": _REVENUE}],
        "days": [{"day": "2026-11-30", "orders": 1, "units": 2, "revenue": _REVENUE}],
        "products": [{"sku": "LAMP-01", "name": "Desk lamp", "units": 2, "revenue": _REVENUE}],
        "products_left_out": 0,
    },
    "files": {f"{each}": f"/v1/reports/{_ID}/file?format={each}" for each in FileFormat},
    "created_at": "2026-12-01T08:00:00Z",
    "finished_at": "2026-12-01T08:00:01Z",
    "run": {"id": _RUN, "url": f"/v1/runs/{_RUN}"},
}


class ReportProgress(BaseModel):
    """In percent."""

    model_config = ConfigDict(frozen=True)

    done: int
    total: int


class ReportFiles(BaseModel):
    """Where its files are; they want the same credential."""

    model_config = ConfigDict(frozen=True)

    csv: str
    html: str
    json_: str = Field(alias="json")

    @classmethod
    def of(cls, report_id: UUID) -> Self:
        return cls(**{each: f"/v1/reports/{report_id}/file?format={each}" for each in FileFormat})


class ReportView(BaseModel):
    """A report as its owner sees it."""

    model_config = ConfigDict(frozen=True, validate_by_name=True, json_schema_extra={"examples": [_EXAMPLE]})

    id: UUID
    type: ReportType
    state: ReportState
    progress: ReportProgress | None = Field(description="Null when it ended without a result.")
    first: str = Field(alias="from")
    last: str = Field(alias="to")
    time_zone: str
    since: datetime = Field(description="From this moment on.")
    until: datetime = Field(description="Until before this moment.")
    notify_email: str | None
    error: str | None = Field(description="Why it was rejected, failed or cancelled.")
    result: Result | None = Field(description="Null until it is completed, and in lists.")
    files: ReportFiles | None = Field(description="Null until it is completed.")
    created_at: datetime
    finished_at: datetime | None
    run: RunLink


class ReportList(StrictModel):
    """Which reports to list."""

    cursor: str | None = Field(default=None, max_length=500)
    limit: Limit = Field(default=50, strict=False)


class WantedFile(StrictModel):
    """Which file."""

    format: FileFormat = Field(default=FileFormat.CSV, strict=False)
