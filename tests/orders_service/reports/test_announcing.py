from datetime import UTC, datetime
from typing import Any

import pytest

from orders_service.gateways import MailRefused, MailUnavailable
from orders_service.ids import new_id
from orders_service.reports import PublicAddress, announce_report
from orders_service.reports.announcing import ReportNotice, letter_of
from pipelines import RunState
from pipelines.testing import Rehearsal
from tests.builders.sales import a_sale, reported, sold
from tests.builders.shop import Shop

MARCH = {"since": "2026-03-10", "until": "2026-03-11"}


def notices(shop: Shop) -> Any:
    return Rehearsal(shop.process, shop.clock).runs(announce_report)


async def test_whom_the_request_names_gets_a_mail_with_the_figures_and_the_link(shop: Shop) -> None:
    await sold(shop, a_sale(mug=2), a_sale(currency="USD"))
    report = await reported(shop, **MARCH, notify_email="ada@example.com")
    ((_, letter),) = shop.mail.letters
    assert (letter.to, letter.subject) == ("ada@example.com", "Your sales report is ready")
    assert "  Revenue 20.00 EUR, orders 1, units 2\n  Revenue 10.00 USD, orders 1, units 1\n" in letter.text
    assert f"http://127.0.0.1:8000/v1/reports/{report['id']}/file?format=html\n" in letter.text


async def test_nobody_gets_a_mail_who_did_not_ask_for_one(shop: Shop) -> None:
    await reported(shop, **MARCH)
    assert shop.mail.letters == []


@pytest.mark.parametrize(
    ("kind", "line"),
    [("customers", "Spent 10.00 EUR, customers 1, orders 1"), ("stock", "Products in stock 2, out of stock 0")],
)
async def test_each_kind_of_report_has_figures(shop: Shop, kind: str, line: str) -> None:
    await sold(shop, a_sale())
    await reported(shop, type=kind, **MARCH, notify_email="ada@example.com")
    assert line in shop.mail.letters[0][1].text


async def test_an_empty_report_is_told_too(shop: Shop) -> None:
    await reported(shop, **MARCH, notify_email="ada@example.com")
    assert "Nothing was sold." in shop.mail.letters[0][1].text


async def test_a_mail_server_that_is_away_is_tried_again_under_the_same_key(shop: Shop) -> None:
    shop.mail.door.troubles = [MailUnavailable("later")]
    report = await reported(shop, **MARCH, notify_email="ada@example.com")
    assert len({key for key, _ in shop.mail.letters}) == 1
    assert [letter for _, letter in shop.mail.letters] == [shop.mail.letters[0][1]] * 2
    assert report["state"] == "completed"


async def test_a_mail_that_is_refused_does_not_make_the_report_fail(shop: Shop) -> None:
    shop.mail.door.troubles = [MailRefused("no such mailbox")]
    report = await reported(shop, **MARCH, notify_email="ada@example.com")
    assert (report["state"], [run.state for run in notices(shop)]) == ("completed", [RunState.FAILED])


def test_a_link_begins_with_the_public_address() -> None:
    notice = ReportNotice(
        report_id=new_id(),
        to="ada@example.com",
        type="sales",
        covers="",
        figures=(),
        written_at=datetime(2026, 3, 10, tzinfo=UTC),
    )
    letter = letter_of(notice, PublicAddress("https://shop.example.com/orders"))
    assert f"https://shop.example.com/orders/v1/reports/{notice.report_id}/file?format=csv" in letter.text
