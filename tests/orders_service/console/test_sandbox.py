"""The page of the sandbox: mails, what the warehouse received, whom the CRM knows; in development only."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from orders_service.gateways import Letter, Signatures
from orders_service.sandbox import Sandbox
from tests.builders.console import signed_in
from tests.builders.fulfillment import SECRET
from tests.builders.shop import Shop, open_shop

PAGE = "/console/sandbox"
EVIL = "<script>alert(1)</script>"
LETTER = Letter("ann@example.com", f"Your order {EVIL}", f"Thank you, Ann.\n{EVIL}\n")


def of(shop: Shop) -> Sandbox:
    found: Sandbox = shop.app.state.sandbox
    return found


async def mailed(shop: Shop, key: str = "k-1", letter: Letter = LETTER) -> None:
    await of(shop).mailbox.send(letter, key=key)


def received(shop: Shop, key: str = "k-1", **data: Any) -> None:
    """As if the warehouse's own signature had been checked: the sandbox checks it with the secrets of the settings."""
    body = json.dumps({"type": "order.fulfillment_requested", "data": data}).encode()
    signed = Signatures([SECRET]).headers(key, body.decode(), now=datetime.now(UTC))
    of(shop).warehouse._signatures = Signatures([SECRET])
    assert of(shop).warehouse.receive(body, signed)


async def test_mails_are_listed_and_read_as_text(corner_shop: Shop) -> None:
    await mailed(corner_shop)
    visitor = await signed_in(corner_shop)
    page = await visitor.see(PAGE)
    assert "ann@example.com" in page
    assert f"{PAGE}/mails/k-1" in page
    mail = await visitor.see(f"{PAGE}/mails/k-1")
    assert "Thank you, Ann." in mail
    assert "&lt;script&gt;" in mail
    for shown in (page, mail):
        assert EVIL not in shown


async def test_a_mail_in_two_forms_is_read_in_the_plain_one(corner_shop: Shop) -> None:
    await mailed(corner_shop, letter=Letter("ann@example.com", "Grüße", "Schön!\n", html="<b>schön</b>"))
    mail = await (await signed_in(corner_shop)).see(f"{PAGE}/mails/k-1")
    assert "Grüße" in mail
    assert "Schön!" in mail
    assert "<b>" not in mail


async def test_what_the_warehouse_received_and_whom_the_crm_knows_is_shown_whole(corner_shop: Shop) -> None:
    received(corner_shop, order_id="o-1", amount=10**20, city=EVIL)
    of(corner_shop).crm.put("u-1", b'{"name": "Ada Lovelace", "version": 7}', "k-2")
    page = await (await signed_in(corner_shop)).see(PAGE)
    for word in ("order.fulfillment_requested", "o-1", "100000000000000000000", "Ada Lovelace", "u-1"):
        assert word in page
    assert EVIL not in page


async def test_it_is_sent_again_only_when_there_is_more(corner_shop: Shop) -> None:
    visitor = await signed_in(corner_shop)
    page = await visitor.see(PAGE)
    path = page.partition('hx-get="')[2].partition('"')[0]
    assert (await visitor.client.get(path)).status_code == 204
    await mailed(corner_shop)
    answer = await visitor.client.get(path)
    assert (answer.status_code, "ann@example.com" in answer.text) == (200, True)
    assert "<html" not in answer.text


@pytest.mark.parametrize("mail_id", ["nothing", "..%2Forders", ".hidden"])
async def test_a_mail_that_is_not_there_is_a_page_that_says_so(corner_shop: Shop, mail_id: str) -> None:
    answer = await (await signed_in(corner_shop)).client.get(f"{PAGE}/mails/{mail_id}")
    assert answer.status_code == 404
    assert "<h1>Not found</h1>" in answer.text or "problem" in answer.headers["content-type"]


async def test_outside_development_there_is_none(sqlite_url: str, tmp_path: Path) -> None:
    production: dict[str, Any] = {
        "profile": "production",
        "admin_key": SecretStr("0123456789abcdef01234567"),
        "fulfillment_secret": SECRET,
        "fulfillment_url": "https://warehouse.example.com",
        "smtp_url": "smtp://mail.example.com",
    }
    async with open_shop(sqlite_url, tmp_path, **production) as shop:
        visitor = await signed_in(shop, "0123456789abcdef01234567")
        assert PAGE not in await visitor.see("/console")
        for path in (PAGE, f"{PAGE}/contents", f"{PAGE}/mails/k-1"):
            assert (await visitor.client.get(path)).status_code == 404
