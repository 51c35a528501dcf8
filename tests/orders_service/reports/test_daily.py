from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from orders_service.background import SCHEDULES, schedules_of
from orders_service.reports import every_morning
from orders_service.settings import Settings
from pipelines.testing import Rehearsal
from tests.builders.sales import a_sale, sold
from tests.builders.shop import Shop, open_shop

BERLIN = ZoneInfo("Europe/Berlin")
DAY = timedelta(days=1)
YEAR = datetime.now(UTC).year + 1  # a test moves its clock forward only


@pytest.fixture
async def early_shop(migrated_url: str, tmp_path: Path) -> AsyncIterator[Shop]:
    """Reports every morning in Berlin."""
    daily = every_morning("Europe/Berlin", "boss@example.com")
    async with open_shop(migrated_url, tmp_path, schedules=[daily]) as shop:
        await shop.process.ticker.fire_due()
        yield shop


async def until(shop: Shop, moment: datetime) -> None:
    """Everything on the way is done at its time."""
    await Rehearsal(shop.process, shop.clock).advance(moment - shop.clock.now())


def be_down_until(shop: Shop, moment: datetime) -> None:
    shop.clock.advance(moment - shop.clock.now())


async def made(shop: Shop) -> Any:
    """Oldest first."""
    return (await shop.api.get("/v1/reports")).json()["items"][::-1]


def last_sunday(month: int) -> datetime:
    """Of a month with 31 days, such as March and October, when the clocks change."""
    end = datetime(YEAR, month, 31, tzinfo=BERLIN)
    return end - timedelta(days=end.isoweekday() % 7)


def wall(moment: str) -> str:
    return f"{datetime.fromisoformat(moment).astimezone(BERLIN):%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(("change", "hours"), [(last_sunday(3), 23), (last_sunday(10), 25)])
async def test_every_morning_at_nine_the_day_before_is_reported(early_shop: Shop, change: datetime, hours: int) -> None:
    be_down_until(early_shop, change - DAY)
    await until(early_shop, change + 2 * DAY)
    missed, *reports = await made(early_shop)
    assert missed["to"] == f"{change - 3 * DAY:%Y-%m-%d}"
    assert [(report["from"], report["to"]) for report in reports] == [
        (f"{change + days * DAY:%Y-%m-%d}",) * 2 for days in (-2, -1, 0)
    ]
    assert [wall(report["created_at"])[-5:] for report in reports] == ["09:00"] * 3
    since, end = (datetime.fromisoformat(reports[-1][name]) for name in ("since", "until"))
    assert (end - since) / timedelta(hours=1) == hours


async def test_the_daily_report_counts_and_is_mailed(early_shop: Shop) -> None:
    day = datetime(YEAR, 6, 1, tzinfo=BERLIN)
    be_down_until(early_shop, day)
    await until(early_shop, day + timedelta(hours=1))
    early_shop.mail.letters.clear()
    await sold(early_shop, a_sale(day), a_sale(day + DAY - timedelta(microseconds=1)), a_sale(day + DAY))
    await until(early_shop, day + 2 * DAY)
    *_, report = await made(early_shop)
    assert (report["state"], report["type"], report["from"]) == ("completed", "sales", f"{YEAR}-06-01")
    ((_, letter),) = early_shop.mail.letters[1:]
    assert letter.to == "boss@example.com"
    assert "Revenue 20.00 EUR, orders 2, units 2" in letter.text


async def test_what_was_missed_while_down_is_made_up_for_once(early_shop: Shop) -> None:
    day = datetime(YEAR, 6, 10, 12, tzinfo=BERLIN)
    be_down_until(early_shop, day)
    await until(early_shop, day + timedelta(hours=2))
    assert [report["from"] for report in await made(early_shop)] == [f"{YEAR}-06-09"]


async def test_it_belongs_to_the_admin_and_the_audit_names_the_service(early_shop: Shop) -> None:
    be_down_until(early_shop, datetime(YEAR, 6, 10, 12, tzinfo=BERLIN))
    await until(early_shop, datetime(YEAR, 6, 10, 13, tzinfo=BERLIN))
    (report,) = await made(early_shop)
    (entry,) = (await early_shop.api.get("/v1/audit")).json()["items"]
    assert (entry["actor_type"], entry["action"], entry["subject_id"]) == ("service", "report_requested", report["id"])
    assert entry["actor"].startswith("daily-report/")
    boss = await early_shop.client_of("boss", is_admin=True)
    assert (await boss.get(f"/v1/reports/{report['id']}")).status_code == 200


def test_the_settings_say_where_it_is_nine() -> None:
    settings = Settings(time_zone="America/New_York", report_email="boss@example.com")
    *others, daily = schedules_of(settings)
    assert tuple(others) == SCHEDULES
    fire_at = daily.next_after(datetime(2026, 7, 1, tzinfo=BERLIN))
    assert fire_at is not None
    assert fire_at.isoformat() == "2026-07-01T13:00:00+00:00"
    assert daily.input_at(fire_at).model_dump(mode="json") == {
        "day": "2026-06-30",
        "time_zone": "America/New_York",
        "notify_email": "boss@example.com",
    }
