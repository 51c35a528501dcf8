"""Only a call to the outside is broken off, and never for a reason that has passed."""

import asyncio
from uuid import uuid4

import pytest

from pipelines.worker.hand import Hand, Interrupted, Interruption


async def call(hand: Hand, reached: asyncio.Event) -> None:
    with hand:
        reached.set()
        await asyncio.Event().wait()


@pytest.mark.parametrize("interruption", Interruption)
async def test_a_call_is_broken_off(interruption: Interruption) -> None:
    hand, reached = Hand(uuid4()), asyncio.Event()
    task = asyncio.create_task(call(hand, reached))
    await reached.wait()
    hand.interrupt(interruption)
    with pytest.raises(Interrupted) as caught:
        await task
    assert caught.value.interruption is interruption
    assert task.cancelling() == 0


@pytest.mark.parametrize("interruption", Interruption)
async def test_a_call_does_not_even_start(interruption: Interruption) -> None:
    hand, reached = Hand(uuid4()), asyncio.Event()
    hand.interrupt(interruption)
    with pytest.raises(Interrupted):
        await call(hand, reached)
    assert not reached.is_set()


async def test_a_cancellation_from_elsewhere_passes() -> None:
    hand, reached = Hand(uuid4()), asyncio.Event()
    task = asyncio.create_task(call(hand, reached))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_who_leaves_lets_the_call_finish_and_goes_no_further() -> None:
    hand = Hand(uuid4())
    with hand:
        hand.leave()
        await asyncio.sleep(0)
    with pytest.raises(Interrupted):
        hand.pause_between_steps()


async def test_a_cancellation_that_was_heeded_does_not_break_off_an_undo() -> None:
    hand = Hand(uuid4())
    hand.interrupt(Interruption.CANCELLED)
    hand.heed_cancellation()
    with hand:
        hand.interrupt(Interruption.CANCELLED)  # the sweep has read the journal a moment too early
        await asyncio.sleep(0)
    hand.pause_between_steps()


@pytest.mark.parametrize("interruption", [Interruption.LEAVING, Interruption.LEASE_UNSURE])
async def test_who_may_not_go_on_undoes_nothing_either(interruption: Interruption) -> None:
    hand = Hand(uuid4())
    hand.interrupt(interruption)
    hand.interrupt(Interruption.CANCELLED)
    with pytest.raises(Interrupted) as caught:
        hand.pause_between_steps()
    assert caught.value.interruption is interruption
