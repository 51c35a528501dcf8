"""A report as its pipeline carries it."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from orders_service.reports.contents import ReportType
from orders_service.reports.periods import Period


class ReportRequest(BaseModel):
    """Stored with the run, and read by the code of a later release: a new field needs a default."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    principal: str
    type: ReportType
    since: datetime
    until: datetime
    time_zone: str
    first: str
    last: str
    requested_at: datetime
    notify_email: str | None = None

    @property
    def period(self) -> Period:
        return Period(self.since, self.until, self.time_zone, self.first, self.last)
