"""The other side of a gateway, as a test wants it."""

import asyncio

import pytest

from pipelines.testing import Outside


class Trouble(Exception):
    pass


async def test_a_key_takes_effect_once() -> None:
    outside = Outside()
    assert [await outside.accepts("pay", amount, key="k") for amount in (3, 4)] == [True, False]
    assert (outside.effects("pay"), len(outside.heard), outside.keys("pay")) == ([3], 2, {"k"})


async def test_the_same_key_means_another_thing_for_another_call() -> None:
    outside = Outside()
    assert [await outside.accepts(what, key="k") for what in ("pay", "refund")] == [True, True]


async def test_without_a_key_each_call_takes_effect() -> None:
    outside = Outside()
    assert [await outside.accepts("pay", 3) for _ in range(2)] == [True, True]


async def test_a_failure_is_for_so_many_calls_and_accepts_nothing() -> None:
    outside = Outside()
    outside.fails("pay", Trouble())
    with pytest.raises(Trouble):
        await outside.accepts("pay", key="k")
    assert outside.accepted == []
    assert await outside.accepts("pay", key="k")


async def test_a_refusal_is_for_all_calls() -> None:
    outside = Outside()
    outside.refuses("pay", Trouble())
    for _ in range(2):
        with pytest.raises(Trouble):
            await outside.accepts("pay", key="k")
    assert await outside.accepts("refund", key="k")


async def test_a_lost_answer_was_accepted() -> None:
    outside = Outside()
    outside.loses_the_answer("pay", Trouble())
    with pytest.raises(Trouble):
        await outside.accepts("pay", 3, key="k")
    assert not await outside.accepts("pay", 3, key="k")
    assert outside.effects("pay") == [3]


async def test_who_hangs_is_heard_and_accepted_afterwards() -> None:
    outside = Outside()
    with outside.hangs("pay") as somebody_waits:
        call = asyncio.create_task(outside.accepts("pay", 3))
        await somebody_waits.wait()
        assert outside.accepted == []
    assert await call
