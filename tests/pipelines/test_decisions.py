"""What follows an attempt, as a table."""

from datetime import timedelta

import pytest

from pipelines import DeadlinePassed, Reject, Retry, StepTimeout, Throttled, Tried
from pipelines.decisions import Continue, PassOver, Postpone, RetryLater, UndoAll, decide, is_worth_a_delay
from pipelines.retry_after import LONGEST_PAUSE, SHORTEST_PAUSE

SOON = timedelta(seconds=3)
EIGHT = Retry(on=(OSError,), attempts=8)


def throttled(seconds: float) -> Throttled:
    return Throttled(retry_after=timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("outcome", "attempt", "expected"),
    [
        ("a result", 1, Continue),
        (None, 8, Continue),
        (OSError(), 7, RetryLater),
        (OSError(), 8, UndoAll),
        (ValueError(), 1, UndoAll),
        (StepTimeout(SOON), 7, RetryLater),
        (StepTimeout(SOON), 8, UndoAll),
        (throttled(30), 8, Postpone),
        (throttled(30), 800, Postpone),
        (Reject("no such address"), 1, UndoAll),
        (DeadlinePassed("pay"), 1, UndoAll),
    ],
)
def test_what_follows_an_attempt(outcome: object, attempt: int, expected: type) -> None:
    assert isinstance(decide(EIGHT, outcome, Tried(attempt), delay=SOON), expected)


@pytest.mark.parametrize(
    ("outcome", "attempt", "expected"),
    [
        ("a result", 8, Continue),
        (OSError(), 7, RetryLater),
        (OSError(), 8, PassOver),
        (throttled(30), 8, Postpone),
        (Reject("no such address"), 1, PassOver),
        (DeadlinePassed("pay"), 1, UndoAll),
    ],
)
def test_what_follows_an_attempt_at_a_step_that_may_fail(outcome: object, attempt: int, expected: type) -> None:
    assert isinstance(decide(EIGHT, outcome, Tried(attempt), delay=SOON, may_fail=True), expected)


@pytest.mark.parametrize(("final", "is_refusal"), [(Reject("no"), True), (DeadlinePassed("pay"), False)])
def test_what_is_final_is_so_even_if_the_retry_covers_everything(final: Exception, *, is_refusal: bool) -> None:
    decision = decide(Retry(on=(Exception,)), final, Tried(1), delay=SOON)
    assert isinstance(decision, UndoAll)
    assert decision.is_refusal is is_refusal


@pytest.mark.parametrize(
    ("outcome", "age", "worth"),
    [
        (OSError(), 0, True),
        (ValueError(), 0, False),
        (Reject("no"), 0, False),
        (throttled(1), 0, False),
        (throttled(1), 2, True),
        ("a result", 0, False),
    ],
)
def test_a_wait_strategy_is_asked_only_about_what_is_tried_again(outcome: object, age: int, *, worth: bool) -> None:
    retry = Retry(on=(OSError, Throttled, Reject), patience=timedelta(days=1))
    assert is_worth_a_delay(retry, outcome, Tried(1, age=timedelta(days=age))) is worth


def test_a_failure_is_no_refusal() -> None:
    assert decide(EIGHT, OSError(), Tried(8), delay=SOON) != decide(EIGHT, Reject("no"), Tried(8), delay=SOON)
    assert not UndoAll(OSError()).is_refusal


def test_a_decision_carries_what_it_was_made_of() -> None:
    error = OSError()
    assert decide(EIGHT, error, Tried(1), delay=SOON) == RetryLater(error, SOON)
    assert decide(EIGHT, "a result", Tried(1), delay=SOON) == Continue("a result")
    assert decide(EIGHT, error, Tried(8), delay=SOON) == UndoAll(error)


def test_an_error_that_a_step_returned_instead_of_raising_it_is_an_error_all_the_same() -> None:
    assert isinstance(decide(EIGHT, ValueError(), Tried(1), delay=SOON), UndoAll)


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        (30, timedelta(seconds=30)),
        (0, SHORTEST_PAUSE),
        (-5, SHORTEST_PAUSE),
        (10**9, LONGEST_PAUSE),
    ],
)
def test_a_pause_is_what_was_asked_for_within_bounds(asked: float, given: timedelta) -> None:
    decision = decide(EIGHT, throttled(asked), Tried(1), delay=SOON)
    assert isinstance(decision, Postpone)
    assert decision.pause == given


@pytest.mark.parametrize(
    ("retry", "age", "expected"),
    [
        (Retry(patience=timedelta(hours=2)), timedelta(hours=2), Postpone),
        (Retry(patience=timedelta(hours=2)), timedelta(hours=2, seconds=1), UndoAll),
        (Retry(patience=timedelta(hours=2), on=(Throttled,)), timedelta(hours=3), RetryLater),
    ],
)
def test_patience_with_a_throttled_step_ends_after_a_while(retry: Retry, age: timedelta, expected: type) -> None:
    assert isinstance(decide(retry, throttled(1), Tried(1, age=age), delay=SOON), expected)
