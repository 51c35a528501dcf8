"""The webhook receiver: it judges by the standard's own text, remembers ids, and misbehaves as it is told."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from standardwebhooks import Webhook

from tests.harness.ledger import entries
from tests.harness.receiver import (
    ACCEPT,
    CUT,
    ERROR,
    HANG,
    LOSE_REPLY,
    REDIRECT,
    RESET,
    Answer,
    Receiver,
    always,
    first,
    webhook_receiver,
)

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = '{"type": "order.fulfillment_requested", "data": {"order_id": "o-1"}}'


@pytest.fixture
async def receiver(tmp_path: Path) -> AsyncIterator[Receiver]:
    async with webhook_receiver(SECRET, tmp_path / "ledger") as receiver:
        yield receiver


async def test_a_signed_delivery_is_accepted(receiver: Receiver) -> None:
    assert await _send(receiver) == 200
    assert list(receiver.accepted) == ["id-1"]


@pytest.mark.parametrize(
    ("secret", "age", "signature"),
    [
        ("whsec_" + "A" * 32, timedelta(0), None),
        (SECRET, timedelta(seconds=310), None),
        (SECRET, timedelta(0), "v1,\N{SNOWMAN}"),
        (SECRET, timedelta(0), ""),
    ],
    ids=["foreign", "old", "garbage", "missing"],
)
async def test_a_delivery_that_is_not_well_signed_is_refused(
    receiver: Receiver, secret: str, age: timedelta, signature: str | None
) -> None:
    assert await _send(receiver, secret=secret, age=age, signature=signature) == 401
    assert not receiver.accepted


async def test_any_of_several_signatures_will_do(receiver: Receiver) -> None:
    good = Webhook(SECRET).sign("id-1", datetime.now(UTC), BODY)
    assert await _send(receiver, signature=f"v1,old {good}") == 200


async def test_a_delivery_sent_again_counts_once(receiver: Receiver) -> None:
    await _send(receiver)
    await _send(receiver)
    assert [delivery.number for delivery in receiver.accepted["id-1"]] == [1, 2]


async def test_an_answer_may_be_for_the_first_deliveries_of_each_id_only(receiver: Receiver) -> None:
    receiver.behaviour = first(1, ERROR)
    assert [await _send(receiver), await _send(receiver), await _send(receiver, webhook_id="id-2")] == [500, 200, 500]


async def test_a_redirect_names_another_place(receiver: Receiver) -> None:
    receiver.behaviour = always(REDIRECT)
    assert await _send(receiver) == 301


@pytest.mark.parametrize("answer", [RESET, CUT, LOSE_REPLY], ids=["reset", "cut", "reply lost"])
async def test_the_sender_hears_no_answer(receiver: Receiver, answer: Answer) -> None:
    receiver.behaviour = always(answer)
    with pytest.raises(aiohttp.ClientError):
        await _send(receiver)
    assert bool(receiver.accepted) == answer.accepts


async def test_a_hanging_request_ends_with_the_receiver() -> None:
    async with webhook_receiver(SECRET) as receiver:
        receiver.behaviour = always(HANG)
        sending = asyncio.create_task(_send(receiver))
        await receiver.until(lambda it: len(it.deliveries) == 1)
        assert not sending.done()
    assert await sending == 500


async def test_its_ledger_tells_what_came_and_what_was_answered(receiver: Receiver, tmp_path: Path) -> None:
    receiver.behaviour = first(1, LOSE_REPLY, then=ACCEPT)
    with pytest.raises(aiohttp.ClientError):
        await _send(receiver)
    await _send(receiver)
    told = [(entry["order"], entry["fate"], entry["accepted"]) for entry in entries(tmp_path / "ledger")]
    assert told == [("o-1", "reset", True), ("o-1", "sent", True)]


async def _send(
    receiver: Receiver,
    *,
    webhook_id: str = "id-1",
    secret: str = SECRET,
    age: timedelta = timedelta(0),
    signature: str | None = None,
) -> int:
    at = datetime.now(UTC) - age
    headers = {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(webhook_id, at, BODY) if signature is None else signature,
    }
    async with (
        aiohttp.ClientSession() as http,
        http.post(receiver.url, data=BODY, headers=headers, allow_redirects=False) as answer,
    ):
        await answer.read()
        return answer.status
