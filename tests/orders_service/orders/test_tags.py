"""Whoever has seen an order need not read it again, and cancels what they have seen."""

import httpx2
import pytest

from tests.builders.callbacks import completed, told
from tests.builders.hostile import REFUSALS, spoiled
from tests.builders.orders import an_order
from tests.builders.shop import Shop

STALE = '"0123456789abcdef0123456789abcdef"'


async def read(shop: Shop, order_id: str, **headers: str) -> httpx2.Response:
    return await shop.api.get(f"/v1/orders/{order_id}", headers={k.replace("_", "-"): v for k, v in headers.items()})


async def test_an_order_that_has_not_changed_is_not_sent_again(shop: Shop) -> None:
    order = await completed(shop)
    tag = (await read(shop, order["id"])).headers["etag"]
    for header in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = await read(shop, order["id"], if_none_match=header)
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)


async def test_a_step_of_its_run_and_a_word_of_the_warehouse_change_the_tag(shop: Shop) -> None:
    shop.mail.door.close()
    order = await shop.placed()
    await shop.mail.door.until_somebody_waits()
    tags = [(await read(shop, order["id"])).headers["etag"]]
    shop.mail.door.open()
    await shop.run_to_the_end()
    for word in ("shipped", "delivered"):
        answer = await read(shop, order["id"], if_none_match=tags[-1])
        assert answer.status_code == 200
        tags.append(answer.headers["etag"])
        await told(shop, order, word)
        await shop.run_to_the_end()
    assert len(set(tags)) == 3


async def test_a_cancellation_of_what_was_not_seen_is_refused(shop: Shop) -> None:
    order = await completed(shop)
    path = f"/v1/orders/{order['id']}/cancel"
    stale = await shop.api.post(path, headers={"If-Match": STALE})
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition-failed")
    assert (shop.warehouse.cancellations, shop.count("audit_entries")) == ([], 0)
    tag = (await read(shop, order["id"])).headers["etag"]
    answer = await shop.api.post(path, headers={"If-Match": f"{STALE}, {tag}"})
    assert answer.status_code == 202
    assert answer.headers["etag"] == (await read(shop, order["id"])).headers["etag"] != tag


async def test_an_open_order_can_be_cancelled_as_it_was_seen(shop: Shop) -> None:
    shop.mail.door.close()
    order = await shop.placed()
    await shop.mail.door.until_somebody_waits()
    tag = (await read(shop, order["id"])).headers["etag"]
    answer = await shop.api.post(f"/v1/orders/{order['id']}/cancel", headers={"If-Match": tag})
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")


@pytest.mark.parametrize("kind", ["none", "json"])
async def test_a_cancellation_may_say_why(shop: Shop, kind: str) -> None:
    shop.mail.door.close()
    order = await shop.placed()
    await shop.mail.door.until_somebody_waits()
    said = {"reason": "ordered twice"} if kind == "json" else None
    answer = await shop.api.post(f"/v1/orders/{order['id']}/cancel", json=said)
    reason = "cancelled on request" + (": ordered twice" if kind == "json" else "")
    assert (answer.status_code, answer.json()["reason"]) == (200, reason)
    shop.mail.door.open()
    await shop.run_to_the_end()
    assert (await shop.shown(order))["reason"] == reason


SPOILED = [each for each in spoiled({"reason": "twice"}) if each[0] != "nothing"]


@pytest.mark.parametrize(("kind", "body"), SPOILED)
async def test_a_reason_that_nobody_means_cancels_nothing(corner_shop: Shop, kind: str, body: bytes) -> None:
    order = await completed(corner_shop, an_order(mug=1))
    headers = {"content-type": "application/json"}
    answer = await corner_shop.api.post(f"/v1/orders/{order['id']}/cancel", content=body, headers=headers)
    assert answer.status_code in REFUSALS
    assert (await corner_shop.shown(order), corner_shop.count("audit_entries")) == (order, 0)


@pytest.mark.parametrize("tag", ["", "x", '"', "W/", "\xff", "x" * 8000])
async def test_a_tag_that_is_none_matches_nothing(corner_shop: Shop, tag: str) -> None:
    order = await completed(corner_shop)
    headers = {name: tag.encode("latin-1") for name in (b"if-match", b"if-none-match")}
    assert (await corner_shop.api.get(f"/v1/orders/{order['id']}", headers=headers)).status_code == 200
    assert (await corner_shop.api.post(f"/v1/orders/{order['id']}/cancel", headers=headers)).status_code == 412
