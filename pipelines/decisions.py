"""What follows an attempt: values in, a value out. No clock, no database, no dice."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from pipelines.errors import DeadlinePassed, Reject, Throttled
from pipelines.retry import Retry, Tried
from pipelines.retry_after import clamped

_FINAL = (Reject, DeadlinePassed)


@dataclass(frozen=True)
class Continue:
    """The step is done; its result is kept and the next step may start."""

    result: object


@dataclass(frozen=True)
class Postpone:
    """The other side asked for a pause: the same attempt again, later."""

    error: Throttled
    pause: timedelta


@dataclass(frozen=True)
class RetryLater:
    """The attempt is spent; another one is left, after the delay."""

    error: Exception
    delay: timedelta


@dataclass(frozen=True)
class PassOver:
    """The step has failed for good, but those after it do not need it: on with them; the run fails at its end."""

    error: Exception


@dataclass(frozen=True)
class UndoAll:
    """There is no way forward: what was done is undone."""

    error: Exception

    @property
    def is_refusal(self) -> bool:
        """A business reason, so nobody is paged."""
        return isinstance(self.error, Reject)


Decision: TypeAlias = Continue | Postpone | RetryLater | PassOver | UndoAll


def is_worth_a_delay(retry: Retry, outcome: object, tried: Tried) -> bool:
    """Whether `decide` will want one: a strategy is not asked about what it was not made for."""
    match outcome:
        case Throttled() if tried.age <= retry.patience:
            return False
        case Exception() as error:
            return not isinstance(error, _FINAL) and retry.deserves(error, tried)
        case _:
            return False


def decide(retry: Retry, outcome: object, tried: Tried, *, delay: timedelta, may_fail: bool = False) -> Decision:
    """Say what follows. The caller drew `delay` from the retry's strategy: the dice stay outside."""
    match outcome:
        case Throttled(retry_after=pause) as error if tried.age <= retry.patience:
            return Postpone(error, clamped(pause))
        case Exception() as error if not isinstance(error, _FINAL) and retry.covers(error, tried, delay=delay):
            return RetryLater(error, delay)
        case Exception() as error if may_fail and not isinstance(error, DeadlinePassed):
            return PassOver(error)
        case Exception() as error:
            return UndoAll(error)
        case result:
            return Continue(result)
