"""For the tests of applications: pipelines run to the end at once, on a clock that the test moves, and are killed."""

from pipelines.testing.clock import VirtualClock
from pipelines.testing.contents import contents
from pipelines.testing.crashes import DoesNotSurvive, Survivor, survives_every_crash
from pipelines.testing.creating import create_tables
from pipelines.testing.modes import Deferred, Inline
from pipelines.testing.mortality import Died, Moment, Mortality, Point
from pipelines.testing.outside import Heard, Outside
from pipelines.testing.rehearsal import (
    NeverEndingError,
    Rehearsal,
    fresh_file,
    rehearsal,
    run_to_the_end,
)

__all__ = [
    "Deferred",
    "Died",
    "DoesNotSurvive",
    "Heard",
    "Inline",
    "Moment",
    "Mortality",
    "NeverEndingError",
    "Outside",
    "Point",
    "Rehearsal",
    "Survivor",
    "VirtualClock",
    "contents",
    "create_tables",
    "fresh_file",
    "rehearsal",
    "run_to_the_end",
    "survives_every_crash",
]
