"""Time, handed in: what is written comes from here, what is judged comes from the database, moved by `skew`."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """A seam, so that tests can move time."""

    @property
    def skew_seconds(self) -> float:
        """How far this clock is ahead of the database's; 0 but in tests."""

    def now(self) -> datetime: ...

    def monotonic(self) -> float: ...


class SystemClock:
    """The time it is."""

    skew_seconds = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()
