import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from orders_service import tables
from orders_service.audit import by_service
from orders_service.ids import new_id
from orders_service.reports import make_report, pace
from orders_service.reports.errors import Abandoned
from orders_service.reports.pace import Pace
from orders_service.reports.requesting import begin
from orders_service.reports.schemas import ReportDraft
from pipelines import DeadlinePassed, Progress, ReadSession, RunState, StepContext, Transaction
from pipelines.testing import Survivor, survives_every_crash
from tests.builders.held import counting_held, hinder
from tests.builders.sales import NOON, a_sale, requested, sold, store
from tests.builders.shop import Shop

_ = tables  # all of the service's, so that they are made
STATE_AND_RESULT = text("SELECT state, result FROM reports")
YEAR: dict[str, Any] = {"since": "2026-01-01", "until": "2026-12-31"}


async def shown(shop: Shop, report: Any) -> Any:
    return (await shop.api.get(f"/v1/reports/{report['id']}")).json()


@pytest.fixture(autouse=True)
def asks_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "ASK_EVERY_SECONDS", 0.0)


async def test_a_report_that_is_cancelled_stops_where_it_is_and_nobody_is_told(shop: Shop) -> None:
    await sold(shop, a_sale())
    with counting_held(shop) as held:
        report = await requested(shop, **YEAR, notify_email="ada@example.com")
        await held.has_begun()
        answer = await shop.api.post(f"/v1/reports/{report['id']}/cancel")
        assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
        assert (await shown(shop, report))["state"] == "cancelled"
        held.let_go()
        await shop.run_to_the_end()
    ended = await shown(shop, report)
    assert (ended["state"], ended["error"], ended["result"]) == ("cancelled", "cancelled on request", None)
    assert shop.run(report).state is RunState.CANCELLED
    assert [attempt.error for attempt in shop.run(report).attempts] == ["Abandoned: "]
    assert shop.mail.letters == []


async def test_who_has_cancelled_it_is_written_down(shop: Shop) -> None:
    with counting_held(shop) as held:
        report = await requested(shop, **YEAR)
        await held.has_begun()
        await shop.api.post(f"/v1/reports/{report['id']}/cancel")
    entries = (await shop.api.get("/v1/audit")).json()["items"]
    assert [(entry["action"], entry["subject_id"]) for entry in entries] == [
        ("report_cancelled", report["id"]),
        ("report_requested", report["id"]),
    ]


async def test_it_says_how_far_it_has_come(shop: Shop) -> None:
    with counting_held(shop) as held:
        report = await requested(shop, **YEAR)
        await held.has_begun()
        under_way = await shop.api.get(f"/v1/reports/{report['id']}")
        assert under_way.json()["state"] == "running"
        assert under_way.json()["progress"]["total"] == 100
        assert under_way.headers["retry-after"] == "1"


@pytest.mark.parametrize("times", [1, 2])
async def test_a_report_that_has_ended_cannot_be_cancelled(shop: Shop, times: int) -> None:
    with counting_held(shop) as held:
        report = await requested(shop, **YEAR)
        await held.has_begun()
        for _ in range(times - 1):
            await shop.api.post(f"/v1/reports/{report['id']}/cancel")
    await shop.run_to_the_end()
    answer = await shop.api.post(f"/v1/reports/{report['id']}/cancel")
    state = "completed" if times == 1 else "cancelled"
    assert (answer.status_code, answer.json()["code"]) == (409, "state-conflict")
    assert answer.json()["detail"] == f"The report is {state} and can no longer be cancelled."


async def test_a_report_cannot_be_cancelled_twice_while_it_stops(shop: Shop) -> None:
    with counting_held(shop) as held:
        report = await requested(shop, **YEAR)
        await held.has_begun()
        answers = [await shop.api.post(f"/v1/reports/{report['id']}/cancel") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 409]


async def test_what_is_sold_while_it_counts_is_in_none_of_its_tables(shop: Shop) -> None:
    await sold(shop, a_sale())
    with counting_held(shop) as held:
        report = await requested(shop, since="2026-03-10", until="2026-03-10")
        await held.has_begun()
        await sold(shop, a_sale(lamp=5))
        held.let_go()
        await shop.run_to_the_end()
    result = (await shown(shop, report))["result"]
    assert (result["totals"][0]["units"], [row["units"] for row in result["products"]]) == (1, [1])


async def test_a_database_that_is_away_is_asked_again(shop: Shop) -> None:
    hinder(shop, OperationalError("SELECT", {}, Exception("the connection is gone")))
    report = await requested(shop, **YEAR)
    await shop.run_to_the_end()
    assert [attempt.outcome for attempt in shop.run(report).attempts] == ["retry", "success", "success"]
    assert (await shown(shop, report))["state"] == "completed"


async def test_a_report_that_fails_keeps_its_error_and_can_be_tried_again(shop: Shop) -> None:
    hinder(shop, ValueError("a bug"))
    report = await requested(shop, **YEAR)
    await shop.run_to_the_end()
    failed = await shown(shop, report)
    assert (failed["state"], failed["error"], failed["progress"]) == ("failed", "ValueError: a bug", None)
    await shop.process.write(shop.process.steering.retry, UUID(report["run"]["id"]), actor="ada")
    await shop.run_to_the_end()
    done = await shown(shop, report)
    assert (done["state"], done["error"]) == ("completed", None)


def context(shop: Shop, run_id: UUID, said: list[Progress], deadline: datetime | None = None) -> StepContext:
    return StepContext(
        run_id=run_id, step="count", attempt=1, idempotency_key="x", deadline=deadline, listener=said.append
    )


async def test_between_two_slices_it_looks_whether_it_is_still_wanted(shop: Shop) -> None:
    said: list[Progress] = []
    with ReadSession(shop.process.readers) as session, pytest.raises(Abandoned):
        Pace(session, context(shop, new_id(), said)).at(1, 4)
    assert said == [Progress(25, 100)]


async def test_between_two_slices_it_looks_at_its_deadline(shop: Shop) -> None:
    late = datetime.now(UTC) - timedelta(seconds=1)
    with ReadSession(shop.process.readers) as session, pytest.raises(DeadlinePassed):
        Pace(session, context(shop, new_id(), [], late)).at(1, 4)


async def test_a_report_survives_every_crash() -> None:
    draft = ReportDraft(**{"type": "sales", "from": "2026-03-10", "to": "2026-03-11"})

    def ask(tx: Transaction) -> UUID:
        return begin(tx, draft, "ada", by_service("test", new_id(), "report_requested", new_id())).run_id

    def check(survivor: Survivor) -> None:
        assert survivor.run.state is RunState.COMPLETED
        state, result = survivor.stage.read(lambda session: session.execute(STATE_AND_RESULT).one())
        assert (state, json.loads(result)["totals"][0]["orders"]) == ("completed", 1)

    points = await survives_every_crash(
        make_report, begin=ask, prepare=lambda tx: store(tx, [a_sale(NOON)]), check=check
    )
    assert len(points) == 9
