"""What follows an attempt: values in, a value out. No clock, no database, no dice."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from pipelines.errors import Reject, Throttled
from pipelines.retry import Retry, Tried

SHORTEST_PAUSE = timedelta(seconds=1)  # a pause costs no attempt, so a hostile "at once" must not become a tight loop
LONGEST_PAUSE = timedelta(hours=1)


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
class UndoAll:
    """There is no way forward: what was done is undone."""

    error: Exception

    @property
    def is_refusal(self) -> bool:
        """A business reason, so nobody is paged."""
        return isinstance(self.error, Reject)


Decision: TypeAlias = Continue | Postpone | RetryLater | UndoAll


def decide(retry: Retry, outcome: object, tried: Tried, *, delay: timedelta) -> Decision:
    """Say what follows. The caller drew `delay` from the retry's strategy: the dice stay outside."""
    match outcome:
        case Throttled(retry_after=pause) as error if tried.age <= retry.patience:
            return Postpone(error, min(max(pause, SHORTEST_PAUSE), LONGEST_PAUSE))
        case Exception() as error if not isinstance(error, Reject) and retry.covers(error, tried):
            return RetryLater(error, delay)
        case Exception() as error:
            return UndoAll(error)
        case result:
            return Continue(result)
