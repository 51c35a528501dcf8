"""Every morning the sales of the day before, for whoever runs the shop."""

from datetime import date, datetime, timedelta

from pydantic import BaseModel, ConfigDict

from orders_service.audit import by_service
from orders_service.auth import ADMIN
from orders_service.ids import new_id
from orders_service.reports.contents import ReportType
from orders_service.reports.requesting import begin
from orders_service.reports.schemas import ReportDraft
from pipelines import CatchUp, Pipeline, Schedule, StepContext, Transaction, cron, schedule

_DAY = timedelta(days=1)


class PastDay(BaseModel):
    """Which day is reported on, where, and who gets a mail."""

    model_config = ConfigDict(frozen=True)

    day: date
    time_zone: str
    notify_email: str | None = None


daily_report = Pipeline("daily-report", PastDay)


@daily_report.step()
def request_daily_report(past: PastDay, step: StepContext, tx: Transaction) -> None:
    """A report like any other, of the admin."""
    draft = ReportDraft(
        **{"type": ReportType.SALES, "from": past.day.isoformat(), "to": past.day.isoformat()},
        time_zone=past.time_zone,
        notify_email=past.notify_email,
    )
    begin(tx, draft, ADMIN.id, by_service(daily_report.name, step.run_id, "report_requested", new_id()))


def every_morning(time_zone: str, notify_email: str | None) -> Schedule[PastDay]:
    """At nine by the clocks there. Days on which nobody was up are made up for by the last of them."""

    def day_before(fire_at: datetime) -> PastDay:
        return PastDay(day=fire_at.date() - _DAY, time_zone=time_zone, notify_email=notify_email)

    return schedule(
        daily_report,
        cron("0 9 * * *", zone=time_zone),
        day_before,
        sentence=f"At 9:00 every day, {time_zone}: report on the sales of the day before.",
        catch_up=CatchUp.LAST,
    )
