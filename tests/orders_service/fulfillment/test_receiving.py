"""Who is heard, and what is stored of what he says."""

import asyncio
import base64
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from orders_service import fulfillment
from orders_service.settings import DEVELOPMENT_SECRET
from pipelines import start
from tests.builders.callbacks import EVENTS, an_event, completed, send, signed
from tests.builders.fulfillment import OTHER_SECRET, SECRET
from tests.builders.hostile import REFUSALS, spoiled
from tests.builders.shop import Shop, open_shop

ORDER = {"id": "01a1fccd-1aee-748f-9e6d-a539d2934ed4"}
BODY = json.dumps(an_event(ORDER)).encode()


def ago(seconds: int) -> datetime:
    return datetime.now(UTC) - timedelta(seconds=seconds)


def changed(**headers: Any) -> Mapping[str, Any]:
    """A good signature, and then somebody meddled with it."""
    return {**signed(BODY), **{name.replace("_", "-"): value for name, value in headers.items()}}


async def status_of(shop: Shop, body: bytes, headers: Mapping[str, Any]) -> int:
    response = await shop.client(None).post(EVENTS, content=body, headers=headers)
    assert shop.count("fulfillment_events") == 0
    return response.status_code


async def test_an_event_is_stored_with_the_run_that_applies_it(shop: Shop) -> None:
    response = await send(shop, an_event(await completed(shop)))
    assert (response.status_code, response.json()) == (202, {"outcome": "accepted"})
    assert shop.count("fulfillment_events") == 1


async def test_an_event_that_comes_again_is_not_applied_again(shop: Shop) -> None:
    order = await completed(shop)
    answers = [await send(shop, an_event(order), key="evt-1") for _ in range(3)]
    await shop.run_to_the_end()
    assert [answer.status_code for answer in answers] == [202, 200, 200]
    assert answers[1].json() == {"outcome": "duplicate"}
    assert len(shop.mail.notices) == 1


async def test_of_many_repetitions_at_once_one_is_applied(shop: Shop) -> None:
    order = await completed(shop)
    answers = await asyncio.gather(*(send(shop, an_event(order), key="evt-1") for _ in range(10)))
    await shop.run_to_the_end()
    assert sorted(answer.status_code for answer in answers) == [200] * 9 + [202]
    assert len(shop.mail.notices) == 1


async def test_two_processes_that_hear_the_same_apply_it_once(postgres_url: str, tmp_path: Path) -> None:
    async with open_shop(postgres_url, tmp_path) as one, open_shop(postgres_url, tmp_path, role="api") as other:
        for number in range(10):
            order = await completed(one)
            sent = [partial(send, each, an_event(order), key=f"evt-{number}") for each in (one, other)]
            answers = await asyncio.gather(*(send_it() for send_it in sent))
            assert sorted(answer.status_code for answer in answers) == [200, 202]
        await one.run_to_the_end()
        assert len(one.mail.notices) == 10


async def test_an_unknown_order_is_a_404_and_may_come_again(shop: Shop) -> None:
    response = await send(shop, an_event({"id": str(uuid4())}), key="evt-1")
    assert (response.status_code, response.json()["code"]) == (404, "not-found")
    assert shop.count("fulfillment_events") == 0


@pytest.mark.parametrize(
    ("kind", "headers"),
    [
        ("none", dict),
        ("301 seconds old", lambda: signed(BODY, now=ago(301))),
        ("from the future", lambda: signed(BODY, now=ago(-330))),
        ("by a stranger", lambda: signed(BODY, secret=SECRET)),
        ("of other bytes", lambda: signed(BODY + b" ")),
        ("another id", lambda: changed(webhook_id="another")),
        ("another time", lambda: changed(webhook_timestamp=str(int(ago(60).timestamp())))),
        ("another version", lambda: changed(webhook_signature="v2," + "A" * 43 + "=")),
        ("no comma", lambda: changed(webhook_signature="v1")),
        ("not base64", lambda: changed(webhook_signature="v1,%%%")),
        ("not ascii", lambda: changed(webhook_signature="v1,éé".encode())),
        ("an id that is not ascii", lambda: changed(webhook_id="évt".encode())),
        ("a time that is none", lambda: changed(webhook_timestamp="nan")),
        ("a time without end", lambda: changed(webhook_timestamp="9" * 400)),
    ],
)
async def test_a_signature_that_is_not_good_is_refused(
    corner_shop: Shop, kind: str, headers: Callable[[], Mapping[str, Any]]
) -> None:
    assert await status_of(corner_shop, BODY, headers()) == 401


async def test_an_altered_body_is_refused(corner_shop: Shop) -> None:
    assert await status_of(corner_shop, BODY.replace(b"shipped", b"refused"), signed(BODY)) == 401


async def test_white_space_counts_since_raw_bytes_are_signed(corner_shop: Shop) -> None:
    assert await status_of(corner_shop, BODY.replace(b": ", b":"), signed(BODY)) == 401


@pytest.mark.parametrize("secret", [SECRET, OTHER_SECRET])
async def test_during_a_rotation_either_secret_is_good(sqlite_url: str, tmp_path: Path, secret: str) -> None:
    async with open_shop(sqlite_url, tmp_path, fulfillment_secret=f"{SECRET} {OTHER_SECRET}") as shop:
        body = json.dumps(an_event(await completed(shop))).encode()
        response = await shop.client(None).post(EVENTS, content=body, headers=signed(body, secret=secret))
        assert response.status_code == 202
        old = await shop.client(None).post(EVENTS, content=body, headers=signed(body, secret=DEVELOPMENT_SECRET))
        assert old.status_code == 401


@pytest.mark.parametrize("key", ["x" * 256, "a b", "tab\there"])
async def test_an_id_that_is_none_is_malformed(corner_shop: Shop, key: str) -> None:
    assert await status_of(corner_shop, BODY, signed(BODY, key=key)) == 400


async def test_an_id_with_a_dot_is_malformed_since_nobody_can_tell_where_it_ends(corner_shop: Shop) -> None:
    moment = str(int(ago(0).timestamp()))
    secret = base64.b64decode(DEVELOPMENT_SECRET.removeprefix("whsec_"))
    code = hmac.digest(secret, f"a.b.{moment}.{BODY.decode()}".encode(), "sha256")
    signature = f"v1,{base64.b64encode(code).decode()}"
    headers = {"webhook-id": "a.b", "webhook-timestamp": moment, "webhook-signature": signature}
    assert await status_of(corner_shop, BODY, headers) == 400


@pytest.mark.parametrize("body", [b"", b"{", b"\x00", b'{"type": "order.shipped"', b"\xef\xbb\xbf{}", b"[" * 20_000])
async def test_what_is_no_json_is_malformed_though_well_signed(corner_shop: Shop, body: bytes) -> None:
    assert await status_of(corner_shop, body, signed(body)) == 400


async def test_a_body_that_is_not_utf8_cannot_have_been_signed(corner_shop: Shop) -> None:
    assert await status_of(corner_shop, b"\xff\xfe", signed(BODY)) == 401


async def test_a_huge_body_is_refused_before_it_is_read(corner_shop: Shop) -> None:
    body = json.dumps(an_event(ORDER, padding="x" * 70_000)).encode()
    assert await status_of(corner_shop, body, signed(body)) == 413


async def test_a_compressed_body_is_refused(corner_shop: Shop) -> None:
    assert await status_of(corner_shop, BODY, {**signed(BODY), "content-encoding": "gzip"}) == 415


@pytest.mark.parametrize(("kind", "body"), [*spoiled(an_event(ORDER))])
async def test_an_event_that_nobody_means_is_refused_whole(corner_shop: Shop, kind: str, body: bytes) -> None:
    assert await status_of(corner_shop, body, signed(body)) in REFUSALS


DATA = {"order_id": ORDER["id"], "tracking": {"carrier": "DHL"}, "reason": "broken"}


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (kind, b'{"type": "order.shipped", "timestamp": "2026-11-28T12:00:00Z", "data": ' + data + b"}")
        for kind, data in spoiled(DATA, but=[("tracking", "object")])
        if kind != "unknown field"
    ],
)
async def test_data_that_nobody_means_is_refused_whole(corner_shop: Shop, kind: str, body: bytes) -> None:
    assert await status_of(corner_shop, body, signed(body)) in REFUSALS


@pytest.mark.parametrize(
    "change",
    [
        {"type": "order.packed"},
        {"type": "order.fulfillment_requested"},
        {"timestamp": "2026-11-28T12:00:00"},
        {"timestamp": 1764331200},
        {"data": {"order_id": "order-1"}},
        {"data": {}},
        {"data": {"order_id": ORDER["id"], "tracking": {"carrier": 5}}},
        {"data": {"order_id": ORDER["id"], "tracking": {"a b": "x"}}},
        {"data": {"order_id": ORDER["id"], "tracking": {f"n{i}": "x" for i in range(11)}}},
        {"data": {"order_id": ORDER["id"], "reason": "x" * 501}},
        {"data": {"order_id": ORDER["id"], "reason": "\u202egnp.exe"}},
    ],
)
async def test_a_value_of_another_kind_is_an_invalid_request(corner_shop: Shop, change: dict[str, Any]) -> None:
    body = json.dumps(an_event(ORDER) | change).encode()
    response = await corner_shop.client(None).post(EVENTS, content=body, headers=signed(body))
    assert (response.status_code, response.json()["code"]) == (422, "invalid-request")
    assert response.json()["errors"][0]["location"] == "body"
    assert corner_shop.count("fulfillment_events") == 0


async def test_what_the_warehouse_adds_to_its_data_is_ignored(shop: Shop) -> None:
    order = await completed(shop)
    response = await send(shop, an_event(order, parcel_count=2, warehouse={"id": 7}))
    assert response.status_code == 202
    await shop.run_to_the_end()
    assert (await shop.shown(order))["status"] == "shipped"


async def test_an_event_is_remembered_for_two_weeks(shop: Shop) -> None:
    order = await completed(shop)
    await send(shop, an_event(order), key="evt-1")
    await shop.run_to_the_end()
    for days, remembered in ((13, 1), (15, 0)):
        tick = fulfillment.forgotten_before(shop.clock.now() + timedelta(days=days))
        await shop.process.write(start, fulfillment.forget_events, tick)
        await shop.run_to_the_end()
        assert shop.count("fulfillment_events") == remembered
