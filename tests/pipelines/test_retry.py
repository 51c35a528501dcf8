"""When a failed step is tried again, in tenacity's words, judged without sleeping."""

from datetime import timedelta

import pytest
import tenacity
from tenacity.retry import retry_base
from tenacity.stop import stop_base
from tenacity.wait import wait_base

from pipelines import Retry, StepTimeout, Tried

BROKEN = OSError("broken")
FIRST = Tried(1)


@pytest.mark.parametrize(
    ("retry", "error", "covered"),
    [
        (Retry(), BROKEN, False),
        (Retry(), StepTimeout(timedelta(seconds=1)), True),
        (Retry(timeouts=False), StepTimeout(timedelta(seconds=1)), False),
        (Retry(on=(OSError,)), BROKEN, True),
        (Retry(on=(OSError,)), ConnectionResetError(), True),
        (Retry(on=(LookupError,)), BROKEN, False),
        (Retry(on=(StepTimeout,), timeouts=False), StepTimeout(timedelta(seconds=1)), True),
    ],
)
def test_a_retry_covers_what_it_names_and_timeouts_unless_it_says_otherwise(
    retry: Retry, error: Exception, *, covered: bool
) -> None:
    assert retry.covers(error, FIRST) is covered


@pytest.mark.parametrize(("attempt", "covered"), [(1, True), (2, True), (3, False), (4, False)])
def test_three_attempts_are_three_tries_in_all(attempt: int, *, covered: bool) -> None:
    assert Retry(on=(OSError,), attempts=3).covers(BROKEN, Tried(attempt)) is covered


@pytest.mark.parametrize(
    ("strategy", "covered"),
    [
        (tenacity.retry_always, True),
        (tenacity.retry_if_exception(lambda error: "broken" in str(error)), True),
        (tenacity.retry_if_exception(lambda error: "mended" in str(error)), False),
        (tenacity.retry_if_exception_message(match="bro"), True),
        (tenacity.retry_if_not_exception_type(OSError), False),
        (tenacity.retry_unless_exception_type(LookupError), True),
        (tenacity.retry_if_result(lambda _: True), False),
        (tenacity.retry_any(tenacity.retry_never, tenacity.retry_if_exception_type(OSError)), True),
        (tenacity.retry_all(tenacity.retry_if_exception_type(OSError), tenacity.retry_never), False),
    ],
)
def test_any_of_tenacitys_retry_strategies_will_do(strategy: retry_base, *, covered: bool) -> None:
    assert Retry(retry=strategy).covers(BROKEN, FIRST) is covered


def test_a_strategy_sees_what_caused_the_error() -> None:
    error = RuntimeError()
    error.__cause__ = BROKEN
    assert Retry(retry=tenacity.retry_if_exception_cause_type(OSError)).covers(error, FIRST)


@pytest.mark.parametrize(
    ("stop", "tried", "covered"),
    [
        (tenacity.stop_after_attempt(2), Tried(1), True),
        (tenacity.stop_after_attempt(2), Tried(2), False),
        (tenacity.stop_after_delay(60), Tried(1, age=timedelta(seconds=59)), True),
        (tenacity.stop_after_delay(60), Tried(1, age=timedelta(seconds=60)), False),
        (tenacity.stop_any(tenacity.stop_after_attempt(9), tenacity.stop_after_delay(60)), Tried(9), False),
    ],
)
def test_any_of_tenacitys_stop_strategies_ends_it_sooner(stop: stop_base, tried: Tried, *, covered: bool) -> None:
    assert Retry(on=(OSError,), attempts=99, stop=stop).covers(BROKEN, tried) is covered


def test_a_stop_strategy_does_not_lengthen_what_attempts_allow() -> None:
    assert not Retry(on=(OSError,), attempts=2, stop=tenacity.stop_after_attempt(5)).covers(BROKEN, Tried(2))


@pytest.mark.parametrize(
    ("wait", "attempt", "seconds"),
    [
        (tenacity.wait_fixed(7), 3, 7),
        (tenacity.wait_none(), 3, 0),
        (tenacity.wait_incrementing(start=1, increment=2), 3, 5),
        (tenacity.wait_exponential(multiplier=1, max=300), 5, 16),
        (tenacity.wait_chain(tenacity.wait_fixed(1), tenacity.wait_fixed(60)), 2, 60),
        (tenacity.wait_fixed(1) + tenacity.wait_fixed(2), 1, 3),
        (tenacity.wait_exception(lambda error: len(str(error))), 1, len("broken")),
    ],
)
def test_any_of_tenacitys_wait_strategies_says_how_long(wait: wait_base, attempt: int, seconds: float) -> None:
    assert Retry(wait=wait).drawn_delay(BROKEN, Tried(attempt)) == timedelta(seconds=seconds)


@pytest.mark.parametrize(("attempt", "most"), [(1, 0.2), (4, 1.6), (8, 25.6), (12, 300), (10_000, 300)])
def test_the_usual_delay_has_full_jitter_up_to_a_doubling_bound(attempt: int, most: float) -> None:
    drawn = [Retry().drawn_delay(BROKEN, Tried(attempt)).total_seconds() for _ in range(300)]
    assert 0 <= min(drawn) < most * 0.2
    assert most * 0.8 < max(drawn) <= most
