"""What was sold, what is in stock, who has bought: counted in the background. The front door of this slice."""

from orders_service.reports.announcing import PublicAddress, announce_report
from orders_service.reports.daily import daily_report, every_morning
from orders_service.reports.errors import (
    PeriodRefused,
    ReportHasEnded,
    ReportNotReady,
    ReportsError,
    UnknownReport,
)
from orders_service.reports.making import make_report
from orders_service.reports.queries import owner_of_run
from orders_service.reports.viewing import report_behind

__all__ = [
    "PeriodRefused",
    "PublicAddress",
    "ReportHasEnded",
    "ReportNotReady",
    "ReportsError",
    "UnknownReport",
    "announce_report",
    "daily_report",
    "every_morning",
    "make_report",
    "owner_of_run",
    "report_behind",
]
