"""Whether the committer's thread gets on, told apart from a database that keeps it waiting."""

import time
from collections.abc import Callable

from sqlalchemy import Engine, event


class Pulse:
    """How long the thread has been at its callers' own code, without coming back and without asking the database.

    What is asked of the database does not count, however long it takes: a restart would not mend that.
    """

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._is_working = False
        self._alone_since: float | None = None
        event.listen(engine, "before_cursor_execute", self._ask)
        event.listen(engine, "after_cursor_execute", self._go_on)
        event.listen(engine, "handle_error", self._go_on)

    @property
    def stuck_seconds(self) -> float:
        """Asked from another thread."""
        since = self._alone_since
        return 0.0 if since is None else max(0.0, self._clock() - since)

    def __enter__(self) -> None:
        """Callers' functions are called from here on."""
        self._is_working = True
        self._alone_since = self._clock()

    def __exit__(self, *_: object) -> None:
        self._is_working = False
        self._alone_since = None

    def _ask(self, *_: object) -> None:
        self._alone_since = None

    def _go_on(self, *_: object) -> None:
        if self._is_working:
            self._alone_since = self._clock()
