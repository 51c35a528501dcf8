"""A report is counted, kept, and told of."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from sqlalchemy.exc import OperationalError
from tenacity import wait_random_exponential

from orders_service.database import hold_still
from orders_service.reports import queries
from orders_service.reports.announcing import announce, figures_of
from orders_service.reports.contents import ReportContent, ReportType, Result, written
from orders_service.reports.customers import count_customers
from orders_service.reports.pace import Pace
from orders_service.reports.requests import ReportRequest
from orders_service.reports.sales import count_sales
from orders_service.reports.schemas import ReportState
from orders_service.reports.stock import count_stock
from pipelines import Ending, Pipeline, ReadSession, Retry, RunState, StepContext, Transaction


class ReportMade(BaseModel):
    """What the run was for: the report that has it all."""

    model_config = ConfigDict(frozen=True)

    report_id: UUID
    type: ReportType
    url: str


# The database may be restarted, or a statement cut off, while it is read.
_WHEN_IT_IS_BACK = Retry(on=(OperationalError,), attempts=8, wait=wait_random_exponential(multiplier=1, max=120))
_COUNT: Mapping[ReportType, Callable[[ReadSession, ReportRequest, Pace], Result]] = {
    ReportType.SALES: count_sales,
    ReportType.STOCK: count_stock,
    ReportType.CUSTOMERS: count_customers,
}

make_report = Pipeline("make-report", ReportRequest, result=ReportMade, deadline=timedelta(days=1))


@make_report.step(retry=_WHEN_IT_IS_BACK)
def count(request: ReportRequest, session: ReadSession, step: StepContext) -> ReportContent:
    hold_still(session)
    result = _COUNT[request.type](session, request, Pace(session, step))
    return ReportContent(stored=written(result), figures=figures_of(result))


@make_report.step()
def keep(request: ReportRequest, content: ReportContent, tx: Transaction) -> ReportMade:
    queries.keep_result(tx, request.id, content.stored)
    announce(tx, request, content.figures)
    return ReportMade(report_id=request.id, type=request.type, url=f"/v1/reports/{request.id}")


@make_report.at_end
def finish_report(request: ReportRequest, ending: Ending, tx: Transaction) -> None:
    queries.settle(tx, request.id, FINAL_STATE[ending.state], ending.reason, tx.home.clock.now())


@make_report.at_retry
def reopen_report(request: ReportRequest, tx: Transaction) -> None:
    queries.settle(tx, request.id, ReportState.PENDING, None, None)


FINAL_STATE = {
    RunState.COMPLETED: ReportState.COMPLETED,
    RunState.REJECTED: ReportState.REJECTED,
    RunState.FAILED: ReportState.FAILED,
    RunState.QUARANTINED: ReportState.FAILED,
    RunState.CANCELLED: ReportState.CANCELLED,
}
