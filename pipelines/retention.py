"""How long runs are kept after they have ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from pipelines.errors import WiringError
from pipelines.run import RunState

MONTH = timedelta(days=30)


@dataclass(frozen=True, kw_only=True)
class Retention:
    """Runs that ended so long ago are deleted with all that belongs to them; None keeps them. Open runs are kept.

    A key makes `start` idempotent for as long as its run is kept. What failed waits for somebody to look at it, and is
    kept unless you say otherwise.
    """

    completed: timedelta | None = MONTH
    rejected: timedelta | None = MONTH
    cancelled: timedelta | None = MONTH
    failed: timedelta | None = None
    quarantined: timedelta | None = None

    def __post_init__(self) -> None:
        if any(age < timedelta(0) for age in self.ages.values()):
            raise WiringError("a run cannot be deleted before it has ended: give ages that are not negative")

    @property
    def ages(self) -> Mapping[RunState, timedelta]:
        """How old a run of each state may grow; states that are kept are missing."""
        ages = {
            RunState.COMPLETED: self.completed,
            RunState.REJECTED: self.rejected,
            RunState.CANCELLED: self.cancelled,
            RunState.FAILED: self.failed,
            RunState.QUARANTINED: self.quarantined,
        }
        return {state: age for state, age in ages.items() if age is not None}
