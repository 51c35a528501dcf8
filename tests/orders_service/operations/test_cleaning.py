"""Sessions and idempotency keys go when they have ended, in slices, and nothing that lives goes with them."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from orders_service.auth import Session, open_session, revoke_session
from orders_service.background import SCHEDULES
from orders_service.idempotency import RememberedAnswer
from orders_service.operations import cleaning
from pipelines import Pipeline, Transaction, start
from tests.builders.orders import an_order
from tests.builders.shop import Shop, open_shop

MANY = 2500
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
CLEANING = [
    each for each in SCHEDULES if each.pipeline in (cleaning.cleanup_sessions, cleaning.expire_idempotency_keys)
]


async def clean(shop: Shop, pipeline: Pipeline[Any]) -> None:
    """As the schedule does now."""
    await shop.process.write(start, pipeline, cleaning.ended_before(shop.clock.now()))
    await shop.run_to_the_end()


def _rows(tx: Transaction, table: Any, rows: Sequence[dict[str, Any]]) -> None:
    tx.execute(insert(table), list(rows))


def sessions(shop: Shop, count: int, *, end: timedelta) -> list[dict[str, Any]]:
    now = shop.clock.now()
    same = {"principal": "ada", "secret_hash": "x", "created_at": now, "expires_at": now + end, "revoked_at": None}
    return [{"id": f"{end}{place:05}"} | same for place in range(count)]


def answers(shop: Shop, count: int, *, end: timedelta) -> list[dict[str, Any]]:
    same = {"scope": "ada", "fingerprint": "", "status": 201, "body": "{}", "expires_at": shop.clock.now() + end}
    return [{"key": f"{end}{place:05}"} | same for place in range(count)]


async def test_2500_sessions_go_in_slices_and_those_that_live_stay(shop: Shop) -> None:
    await shop.process.write(_rows, Session, sessions(shop, MANY, end=-HOUR))
    await shop.process.write(_rows, Session, sessions(shop, 7, end=HOUR))
    await clean(shop, cleaning.cleanup_sessions)
    assert shop.count("sessions") == 7
    slices = [run.attempts[0].result for run in shop.runs()]
    counts = [*range(cleaning.SLICE, MANY + 1, cleaning.SLICE), MANY]
    goes_on = ["true"] * (MANY // cleaning.SLICE) + ["false"]
    expected = [f'{{"removed":{n},"goes_on":{more}}}' for n, more in zip(counts, goes_on, strict=True)]
    assert slices == expected


async def test_a_session_that_was_revoked_goes_although_it_would_have_lived(shop: Shop) -> None:
    for revoke in (True, False):
        live = await shop.process.write(open_session, "ada", lasts=30 * DAY)
        if revoke:
            await shop.process.write(revoke_session, live.token)
    shop.clock.advance(HOUR)
    await clean(shop, cleaning.cleanup_sessions)
    assert shop.count("sessions") == 1


async def test_2500_keys_go_in_slices_and_those_that_count_stay(shop: Shop) -> None:
    await shop.process.write(_rows, RememberedAnswer, answers(shop, MANY, end=-HOUR))
    await shop.process.write(_rows, RememberedAnswer, answers(shop, 7, end=HOUR))
    await clean(shop, cleaning.expire_idempotency_keys)
    assert shop.count("idempotency") == 7
    assert len(shop.runs()) == MANY // cleaning.SLICE + 1


async def test_nothing_to_do_is_one_short_run(shop: Shop) -> None:
    for pipeline in (cleaning.cleanup_sessions, cleaning.expire_idempotency_keys):
        await clean(shop, pipeline)
    assert [run.attempts[0].result for run in shop.runs()] == ['{"removed":0,"goes_on":false}'] * 2


async def test_a_key_is_kept_for_its_day_and_new_after_it(migrated_url: str, tmp_path: Path) -> None:
    async with open_shop(migrated_url, tmp_path, schedules=CLEANING) as shop:
        first = await _post(shop)
        await shop.advance(DAY - 2 * HOUR)
        assert (await _post(shop)).json() == first.json()
        await shop.advance(4 * HOUR)
        again = await _post(shop)
        assert (again.status_code, again.json()["id"] != first.json()["id"]) == (201, True)
        assert "idempotent-replayed" not in again.headers


async def _post(shop: Shop) -> Any:
    return await shop.api.post("/v1/orders", json=an_order(), headers={"Idempotency-Key": "abc"})


async def test_at_midnight_sessions_are_cleaned_up(migrated_url: str, tmp_path: Path) -> None:
    async with open_shop(migrated_url, tmp_path, schedules=CLEANING) as shop:
        await shop.advance(timedelta(0))
        await shop.process.write(open_session, "ada", lasts=HOUR)
        await shop.process.write(open_session, "bob", lasts=30 * DAY)
        await shop.advance(2 * DAY)
        assert shop.count("sessions") == 1
