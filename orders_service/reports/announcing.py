"""Whoever waits for a report hears that it is ready: told in the transaction that ends its run, and by mail."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from orders_service import accounts, subscriptions
from orders_service.destinations import ATTEMPTS, FOR_AN_HOUR, MAIL
from orders_service.gateways import Letter, Mail, MailUnavailable, Template
from orders_service.reports.contents import CustomersResult, ReportType, Result, SalesResult, StockResult
from orders_service.reports.requests import ReportRequest
from pipelines import Pipeline, Retry, StepContext, Transaction, start

_MOST_LINES = 20
_TEXT = """Hello,

the {type} report{covers} is ready.

{figures}

Page:  {url}/file?format=html
Table: {url}/file?format=csv

Both want the credential under which the report was asked for.
"""


@dataclass(frozen=True, slots=True)
class PublicAddress:
    """Where people reach this service: what links in letters begin with."""

    url: str


class ReportNotice(BaseModel):
    """Stored with the run, and read by the code of a later release: a new field needs a default."""

    model_config = ConfigDict(frozen=True)

    report_id: UUID
    to: str
    type: str
    covers: str
    figures: tuple[str, ...]
    written_at: datetime


announce_report = Pipeline("announce-report", ReportNotice)


@announce_report.step(retry=Retry(on=(MailUnavailable,), attempts=ATTEMPTS, wait=FOR_AN_HOUR), timeout=40, to=MAIL)
async def send_notice(notice: ReportNotice, mail: Mail, address: PublicAddress, step: StepContext) -> None:
    await mail.send(letter_of(notice, address), key=step.idempotency_key)


def announce(tx: Transaction, request: ReportRequest, figures: tuple[str, ...]) -> None:
    """Tell everybody, in the transaction that makes the report ready.

    A mail is a run of its own: a server that refuses it does not make the report fail.
    """
    said = {"id": request.id, "type": request.type, "url": f"/v1/reports/{request.id}"}
    subscriptions.publish(tx, "report.ready", said, owner=request.principal)
    if (to := request.notify_email or accounts.address_of(tx, request.principal)) is not None:
        notice = ReportNotice(
            report_id=request.id,
            to=to,
            type=request.type,
            covers=""
            if request.type is ReportType.STOCK
            else f" for {request.first} to {request.last}, {request.time_zone},",
            figures=figures,
            written_at=tx.home.clock.now(),
        )
        start(tx, announce_report, notice)


def letter_of(notice: ReportNotice, address: PublicAddress) -> Letter:
    """Plain text; the subject holds nothing that anybody typed."""
    fields = notice.model_dump(exclude={"figures"})
    url = f"{address.url.rstrip('/')}/v1/reports/{notice.report_id}"
    text = _TEXT.format(**fields, figures="\n".join(notice.figures), url=url)
    return Letter(
        to=notice.to,
        subject=f"Your {notice.type} report is ready",
        text=text,
        written_at=notice.written_at,
        template=Template.REPORT_READY,
    )


def figures_of(result: Result) -> tuple[str, ...]:
    """What is worth a line in the mail."""
    match result:
        case SalesResult(totals=totals):
            lines = [f"  Revenue {each.revenue}, orders {each.orders}, units {each.units}" for each in totals]
        case CustomersResult(totals=totals):
            lines = [f"  Spent {each.spent}, customers {each.customers}, orders {each.orders}" for each in totals]
        case StockResult():
            lines = [f"  Products in stock {result.products_in_stock}, out of stock {result.products_out_of_stock}"]
    return tuple(lines[:_MOST_LINES]) or ("  Nothing was sold.",)
