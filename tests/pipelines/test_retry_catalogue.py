"""Every strategy that tenacity has: it works, or it is refused where it is declared. None is silently broken."""

import inspect
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import tenacity
from tenacity import RetryCallState, asyncio
from tenacity.retry import retry_base
from tenacity.stop import stop_base
from tenacity.wait import wait_base

from pipelines import Retry, Tried, WiringError

BROKEN = OSError("broken")
FIRST = Tried(1)


def caused_by_a_broken_pipe() -> RuntimeError:
    error = RuntimeError()
    error.__cause__ = BROKEN
    return error


# Each by its class: an attempt or an error that it lets pass, and one that it does not.
RETRIES: list[tuple[retry_base, Exception, Exception | None]] = [
    (tenacity.retry_always, BROKEN, None),
    (tenacity.retry_if_exception(lambda error: "broken" in str(error)), BROKEN, OSError("mended")),
    (tenacity.retry_if_exception_type(OSError), BROKEN, LookupError()),
    (tenacity.retry_if_not_exception_type(OSError), LookupError(), BROKEN),
    (tenacity.retry_unless_exception_type(OSError), LookupError(), BROKEN),
    (tenacity.retry_if_exception_cause_type(OSError), caused_by_a_broken_pipe(), RuntimeError()),
    (tenacity.retry_if_exception_message(match="bro"), BROKEN, OSError("mended")),
    (tenacity.retry_if_not_exception_message(match="bro"), OSError("mended"), BROKEN),
    (tenacity.retry_any(tenacity.retry_never, tenacity.retry_if_exception_type(OSError)), BROKEN, LookupError()),
    (tenacity.retry_all(tenacity.retry_always, tenacity.retry_if_exception_type(OSError)), BROKEN, LookupError()),
    (tenacity.retry_never | tenacity.retry_if_exception_type(OSError), BROKEN, LookupError()),
    (tenacity.retry_always & tenacity.retry_if_exception_type(OSError), BROKEN, LookupError()),
]
NEVER_RETRIES = tenacity.retry_never

STOPS: list[tuple[stop_base, Tried, Tried | None]] = [
    (tenacity.stop_never, Tried(98), None),
    (tenacity.stop_after_attempt(2), Tried(1), Tried(2)),
    (tenacity.stop_after_delay(60), Tried(1, timedelta(seconds=59)), Tried(1, timedelta(seconds=60))),
    (tenacity.stop_before_delay(60), Tried(1, timedelta(seconds=49)), Tried(1, timedelta(seconds=50))),
    (tenacity.stop_any(tenacity.stop_after_attempt(9), tenacity.stop_after_delay(60)), Tried(8), Tried(9)),
    (tenacity.stop_all(tenacity.stop_after_attempt(2), tenacity.stop_after_delay(60)), Tried(9), None),
    (tenacity.stop_after_attempt(9) | tenacity.stop_after_attempt(2), Tried(1), Tried(2)),
    (tenacity.stop_after_attempt(9) & tenacity.stop_after_attempt(2), Tried(8), Tried(9)),
]

WAITS: list[tuple[wait_base, int, float, float]] = [
    (tenacity.wait_fixed(7), 3, 7, 7),
    (tenacity.wait_none(), 3, 0, 0),
    (tenacity.wait_random(1, 3), 1, 1, 3),
    (tenacity.wait_incrementing(start=1, increment=2), 3, 5, 5),
    (tenacity.wait_exponential(multiplier=1, max=300), 5, 16, 16),
    (tenacity.wait_random_exponential(multiplier=1, max=300), 5, 0, 16),
    (tenacity.wait_exponential_jitter(multiplier=1, jitter=2), 5, 16, 18),
    (tenacity.wait_chain(tenacity.wait_fixed(1), tenacity.wait_fixed(60)), 2, 60, 60),
    (tenacity.wait_combine(tenacity.wait_fixed(1), tenacity.wait_fixed(2)), 1, 3, 3),
    (tenacity.wait_fixed(1) + tenacity.wait_fixed(2), 1, 3, 3),
    (tenacity.wait_exception(lambda error: len(str(error))), 1, len("broken"), len("broken")),
]

IS_RESULT: Callable[[Any], bool] = bool


async def is_broken(error: BaseException) -> bool:
    return "broken" in str(error)


REFUSED: list[tuple[str, Any, str]] = [
    ("retry", tenacity.retry_if_result(IS_RESULT), "a step that returns is done"),
    ("retry", tenacity.retry_if_not_result(IS_RESULT), "a step that returns is done"),
    ("retry", tenacity.retry_always & tenacity.retry_if_result(IS_RESULT), "a step that returns is done"),
    ("retry", asyncio.retry_if_exception(is_broken), "awaited"),
    ("stop", tenacity.stop_when_event_set(threading.Event()), "another process's"),
    (
        "stop",
        tenacity.stop_after_attempt(2) | tenacity.stop_when_event_set(threading.Event()),
        "another process's",
    ),
]


@pytest.mark.parametrize(("strategy", "passes", "stops"), RETRIES)
def test_a_retry_strategy_says_what_is_tried_again(
    strategy: retry_base, passes: Exception, stops: Exception | None
) -> None:
    assert Retry(retry=strategy).covers(passes, FIRST)
    assert stops is None or not Retry(retry=strategy).covers(stops, FIRST)


def test_the_strategy_that_never_retries_does_not() -> None:
    assert not Retry(retry=NEVER_RETRIES).covers(BROKEN, FIRST)


@pytest.mark.parametrize(("strategy", "passes", "stops"), STOPS)
def test_a_stop_strategy_ends_it_sooner(strategy: stop_base, passes: Tried, stops: Tried | None) -> None:
    retry, delay = Retry(on=(OSError,), attempts=99, stop=strategy), timedelta(seconds=10)
    assert retry.covers(BROKEN, passes, delay=delay)
    assert stops is None or not retry.covers(BROKEN, stops, delay=delay)


@pytest.mark.parametrize(("strategy", "attempt", "least", "most"), WAITS)
def test_a_wait_strategy_says_how_long(strategy: wait_base, attempt: int, least: float, most: float) -> None:
    drawn = [Retry(wait=strategy).drawn_delay(BROKEN, Tried(attempt)).total_seconds() for _ in range(20)]
    assert least <= min(drawn) <= max(drawn) <= most


@pytest.mark.parametrize(("role", "strategy", "why"), REFUSED)
def test_what_cannot_be_judged_from_the_journal_is_refused(role: str, strategy: Any, why: str) -> None:
    with pytest.raises(WiringError, match=why):
        Retry(**{role: strategy})


def test_a_plain_function_is_a_strategy_too() -> None:
    def odd(state: RetryCallState) -> bool:
        return state.attempt_number % 2 == 1

    retry = Retry(retry=odd, stop=lambda state: state.attempt_number > 3, wait=lambda state: state.attempt_number)
    assert [retry.covers(BROKEN, Tried(attempt)) for attempt in (1, 2, 3, 4, 5)] == [True, False, True, False, False]
    assert retry.drawn_delay(BROKEN, Tried(7)) == timedelta(seconds=7)


def test_the_catalogue_is_whole() -> None:
    tried = [NEVER_RETRIES, *(row[0] for row in (*RETRIES, *STOPS, *WAITS)), *(row[1] for row in REFUSED)]
    there_are = {
        kind
        for module in ("tenacity.retry", "tenacity.stop", "tenacity.wait")
        for _, kind in inspect.getmembers(sys.modules[module], inspect.isclass)
        if kind.__module__ == module and not inspect.isabstract(kind)
    }
    assert there_are == {type(strategy) for strategy in tried if type(strategy) in there_are}
