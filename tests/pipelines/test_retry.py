"""When a failed step is tried again, in tenacity's words, judged without sleeping."""

import math
from datetime import timedelta
from typing import Any

import pytest
import tenacity
from hypothesis import given
from hypothesis import strategies as st

from pipelines import Retry, StepTimeout, Tried, WiringError
from pipelines.retry import LONGEST_DELAY_SECONDS

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


@pytest.mark.parametrize("on", [OSError, [OSError], (OSError(),)], ids=str)
def test_errors_are_named_in_a_tuple(on: Any) -> None:
    with pytest.raises(WiringError, match=r"in a tuple, as in Retry\(on=\(ConnectionError,\)\)"):
        Retry(on=on)


@pytest.mark.parametrize(("attempt", "covered"), [(1, True), (2, True), (3, False), (4, False)])
def test_three_attempts_are_three_tries_in_all(attempt: int, *, covered: bool) -> None:
    assert Retry(on=(OSError,), attempts=3).covers(BROKEN, Tried(attempt)) is covered


def test_a_stop_strategy_does_not_lengthen_what_attempts_allow() -> None:
    assert not Retry(on=(OSError,), attempts=2, stop=tenacity.stop_after_attempt(5)).covers(BROKEN, Tried(2))


@pytest.mark.parametrize(
    ("retry", "seconds"),
    [
        (Retry(wait=tenacity.wait_fixed(-5)), 0),
        (Retry(wait=tenacity.wait_fixed(math.inf)), LONGEST_DELAY_SECONDS),
        (Retry(wait=tenacity.wait_exponential()), LONGEST_DELAY_SECONDS),  # tenacity's own bound is no date
    ],
)
def test_no_strategy_makes_a_delay_that_is_none(retry: Retry, seconds: float) -> None:
    assert retry.drawn_delay(BROKEN, Tried(10_000)) == timedelta(seconds=seconds)


@given(
    attempt=st.integers(1, 5000),
    base=st.floats(0.001, 100),
    cap=st.floats(0.001, 1e6),
)
def test_full_jitter_is_from_nothing_to_the_doubled_base_or_the_cap(attempt: int, base: float, cap: float) -> None:
    retry = Retry(wait=tenacity.wait_random_exponential(multiplier=base, max=cap))
    drawn = retry.drawn_delay(BROKEN, Tried(attempt)).total_seconds()
    assert 0 <= drawn <= min(cap, base * 2.0 ** min(attempt - 1, 1000)) + 1e-6


@pytest.mark.parametrize(("attempt", "most"), [(1, 0.2), (4, 1.6), (8, 25.6), (12, 300), (10_000, 300)])
def test_the_usual_delay_has_full_jitter_up_to_a_doubling_bound(attempt: int, most: float) -> None:
    drawn = [Retry().drawn_delay(BROKEN, Tried(attempt)).total_seconds() for _ in range(300)]
    assert 0 <= min(drawn) < most * 0.2
    assert most * 0.8 < max(drawn) <= most
