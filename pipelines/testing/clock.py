"""A clock that the test moves."""

import time
from datetime import UTC, datetime, timedelta


class VirtualClock:
    """As fast as real time, and ahead of it by as much as the test has moved it. Durations stay real."""

    def __init__(self) -> None:
        self.skew_seconds = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.skew_seconds)

    def monotonic(self) -> float:
        return time.monotonic()

    def advance(self, by: timedelta) -> None:
        """Move on; runs that wait become due, leases run out."""
        self.skew_seconds += by.total_seconds()
