"""Between two slices of a report: says how far it has come, and stops when nobody wants the rest.

A thread cannot be cancelled from outside, so it has to ask.
"""

import time
from datetime import UTC, datetime

from orders_service.reports.errors import Abandoned
from pipelines import DeadlinePassed, ReadSession, RunState, StepContext, standings

ASK_EVERY_SECONDS = 0.25
PERCENT = 100


class Pace:
    """Of one attempt at counting."""

    def __init__(self, session: ReadSession, step: StepContext) -> None:
        self._session = session
        self._step = step
        self._asked_at = time.monotonic()

    def at(self, done: int, total: int) -> None:
        """So much is done. Raises `Abandoned`, or `DeadlinePassed`."""
        self._step.progress(PERCENT * done // total, PERCENT)
        if self._step.deadline is not None and datetime.now(UTC) >= self._step.deadline:
            raise DeadlinePassed(self._step.step)
        now = time.monotonic()
        if now - self._asked_at >= ASK_EVERY_SECONDS:
            self._asked_at = now
            if not self._is_wanted():
                raise Abandoned

    def _is_wanted(self) -> bool:
        """In a session of its own: the one that counts sees the moment at which it began."""
        with ReadSession(self._session.get_bind()) as beside:
            run = standings(beside, [self._step.run_id]).get(self._step.run_id)
        return run is not None and run.state is RunState.RUNNING and run.ending is None
