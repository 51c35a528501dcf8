"""For the tests of applications: pipelines run to the end at once, on a clock that the test moves."""

from pipelines.testing.clock import VirtualClock
from pipelines.testing.modes import Deferred, Inline
from pipelines.testing.rehearsal import NeverEndingError, Rehearsal, create_tables, rehearsal, run_to_the_end

__all__ = [
    "Deferred",
    "Inline",
    "NeverEndingError",
    "Rehearsal",
    "VirtualClock",
    "create_tables",
    "rehearsal",
    "run_to_the_end",
]
