"""When a failed step is tried again: tenacity's strategies, judged from the journal instead of a sleeping loop."""

from dataclasses import dataclass
from datetime import timedelta

from tenacity import (
    Future,
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    retry_never,
    stop_after_attempt,
    wait_random_exponential,
)
from tenacity import stop_never as never_stop
from tenacity.retry import retry_base
from tenacity.stop import stop_base
from tenacity.wait import wait_base

from pipelines.errors import StepTimeout

_ANY_RETRYING = Retrying()  # tenacity's call state wants one; no strategy looks at it


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
    """

    on: tuple[type[Exception], ...] = ()
    attempts: int = 5
    timeouts: bool = True
    patience: timedelta = timedelta(days=1)
    retry: retry_base = retry_never
    stop: stop_base = never_stop
    wait: wait_base = wait_random_exponential(multiplier=0.2, max=300)  # noqa: RUF009 - stateless; overflows without max

    def covers(self, error: Exception, tried: Tried) -> bool:
        """Whether this failure deserves another attempt, and there is one left."""
        state = _as_tenacity(error, tried)
        deserves = retry_if_exception_type(self._kinds()) | self.retry
        is_spent = stop_after_attempt(self.attempts) | self.stop
        return bool(deserves(state)) and not is_spent(state)

    def drawn_delay(self, error: Exception, tried: Tried) -> timedelta:
        """How long to wait before the next attempt; throws the dice."""
        return timedelta(seconds=float(self.wait(_as_tenacity(error, tried))))

    def _kinds(self) -> tuple[type[Exception], ...]:
        return (*self.on, StepTimeout) if self.timeouts else self.on


def _as_tenacity(error: Exception, tried: Tried) -> RetryCallState:
    state = RetryCallState(_ANY_RETRYING, None, (), {})
    outcome = Future(tried.attempt)
    outcome.set_exception(error)
    state.attempt_number = tried.attempt
    state.outcome = outcome
    state.outcome_timestamp = state.start_time + tried.age.total_seconds()
    return state
