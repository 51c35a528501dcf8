"""When a failed step is tried again: tenacity's strategies, judged from the journal instead of a sleeping loop."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from inspect import iscoroutinefunction
from typing import TypeAlias

from tenacity import (
    Future,
    RetryCallState,
    Retrying,
    retry_all,
    retry_any,
    retry_if_not_result,
    retry_if_result,
    retry_never,
    stop_all,
    stop_any,
    stop_when_event_set,
    wait_chain,
    wait_combine,
    wait_random_exponential,
)
from tenacity import stop_never as never_stop
from tenacity.retry import retry_base
from tenacity.stop import stop_base
from tenacity.wait import wait_base

from pipelines.errors import StepTimeout, WiringError

LONGEST_DELAY_SECONDS = 365 * 86400.0  # tenacity's own "no bound" is beyond the end of the calendar

_ANY_RETRYING = Retrying()  # tenacity's call state wants one; no strategy looks at it

WhetherToRetry: TypeAlias = retry_base | Callable[[RetryCallState], bool]
WhenToStop: TypeAlias = stop_base | Callable[[RetryCallState], bool]
HowLong: TypeAlias = wait_base | Callable[[RetryCallState], float | int]


@dataclass(frozen=True)
class Tried:
    """How often and for how long one step of one run has been tried, the attempt in question included."""

    attempt: int
    age: timedelta = timedelta(0)


@dataclass(frozen=True, kw_only=True)
class Retry:
    """`on` and `attempts` say the usual; `retry`, `stop` and `wait` take any of tenacity's strategies.

    `Retry()` alone retries only a step's timeout: a retry names its failures. Delays have full jitter. A step that is
    throttled costs no attempt, and is given up when it has been at the same step for longer than `patience`.

    A strategy is shared by all runs, and the next attempt may be another process's: it judges by what it is given (the
    error, the number of the attempt, how long ago the step was reached) and keeps nothing. What could not work that
    way is refused here: a `retry` that asks for a result, since a step that returns is done; a `stop` that waits for
    an event of this process; an `async` strategy.
    """

    on: tuple[type[Exception], ...] = ()
    attempts: int = 5
    timeouts: bool = True
    patience: timedelta = timedelta(days=1)
    retry: WhetherToRetry = retry_never
    stop: WhenToStop = never_stop
    wait: HowLong = wait_random_exponential(multiplier=0.2, max=300)  # noqa: RUF009 - stateless

    def __post_init__(self) -> None:
        if not isinstance(self.on, tuple) or not all(isinstance(each, type) for each in self.on):
            raise WiringError(f"Retry(on={self.on!r}): name the errors in a tuple, as in Retry(on=(ConnectionError,))")
        for strategy in (self.retry, self.stop, self.wait):
            _refuse_the_impossible(strategy)

    def covers(self, error: Exception, tried: Tried, *, delay: timedelta = timedelta(0)) -> bool:
        """Whether this failure deserves another attempt after the delay, and there is one left."""
        return self.deserves(error, tried) and not self._is_spent(error, tried, delay)

    def deserves(self, error: Exception, tried: Tried) -> bool:
        """Whether this kind of failure is tried again at all."""
        return isinstance(error, self._kinds()) or bool(self.retry(_as_tenacity(error, tried)))

    def drawn_delay(self, error: Exception, tried: Tried) -> timedelta:
        """How long to wait before the next attempt; throws the dice."""
        seconds = float(self.wait(_as_tenacity(error, tried)))
        return timedelta(seconds=min(max(seconds, 0.0), LONGEST_DELAY_SECONDS))

    def _is_spent(self, error: Exception, tried: Tried, delay: timedelta) -> bool:
        return tried.attempt >= self.attempts or bool(self.stop(_as_tenacity(error, tried, delay)))

    def _kinds(self) -> tuple[type[Exception], ...]:
        return (*self.on, StepTimeout) if self.timeouts else self.on


def _as_tenacity(error: Exception, tried: Tried, delay: timedelta = timedelta(0)) -> RetryCallState:
    state = RetryCallState(_ANY_RETRYING, None, (), {})
    outcome = Future(tried.attempt)
    outcome.set_exception(error)
    state.attempt_number = tried.attempt
    state.outcome = outcome
    state.outcome_timestamp = state.start_time + tried.age.total_seconds()
    state.upcoming_sleep = delay.total_seconds()
    return state


def _refuse_the_impossible(strategy: object) -> None:
    if iscoroutinefunction(strategy) or iscoroutinefunction(type(strategy).__call__):
        raise WiringError(f"{_name(strategy)}: a strategy that has to be awaited; use tenacity's plain one")
    inner: Iterable[object] = ()
    match strategy:
        case retry_if_result() | retry_if_not_result():
            raise WiringError(f"{_name(strategy)}: a step that returns is done; raise what should be tried again")
        case stop_when_event_set():
            raise WiringError(f"{_name(strategy)}: the next attempt may be another process's, which knows no event")
        case retry_any(retries=parts) | retry_all(retries=parts):
            inner = parts
        case stop_any(stops=parts) | stop_all(stops=parts):
            inner = parts
        case wait_combine(wait_funcs=parts) | wait_chain(strategies=parts):
            inner = parts
    for part in inner:
        _refuse_the_impossible(part)


def _name(strategy: object) -> str:
    return getattr(strategy, "__name__", type(strategy).__name__)
