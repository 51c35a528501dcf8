"""What was sold, what is in stock, who has bought: counted in the background. The front door of this slice."""

from orders_service.reports.announcing import PublicAddress, announce_report
from orders_service.reports.cancelling import cancel_report
from orders_service.reports.daily import daily_report, every_morning
from orders_service.reports.errors import (
    PeriodRefused,
    ReportHasEnded,
    ReportNotReady,
    ReportsError,
    UnknownReport,
)
from orders_service.reports.making import make_report
from orders_service.reports.page import sections_of
from orders_service.reports.queries import owner_of_run
from orders_service.reports.rendering import rendered
from orders_service.reports.schemas import FileFormat, ReportView
from orders_service.reports.viewing import anybodys, everybodys, report_behind, result_of

__all__ = [
    "FileFormat",
    "PeriodRefused",
    "PublicAddress",
    "ReportHasEnded",
    "ReportNotReady",
    "ReportView",
    "ReportsError",
    "UnknownReport",
    "announce_report",
    "anybodys",
    "cancel_report",
    "daily_report",
    "every_morning",
    "everybodys",
    "make_report",
    "owner_of_run",
    "rendered",
    "report_behind",
    "result_of",
    "sections_of",
]
