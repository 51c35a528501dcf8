"""Where a test may break a process: around a COMMIT, an attempt, a call to the outside.

Without faults nothing is added to any path: they are asked once, while the process is put together.
"""

from collections.abc import Callable
from typing import Any, Protocol

from sqlalchemy import Connection

from pipelines.worker.hand import Hand
from pipelines.worker.moves import Held

Commit = Callable[[Connection], None]


class Performs(Protocol):
    """Whoever makes one attempt at the step, or the undo, at which a run stands."""

    async def perform(self, held: Held, hand: Hand) -> object:
        """Raises what the step raises."""


class Faults(Protocol):
    """Each gives what the process uses in the place of what it was given."""

    def around_commit(self, commit: Commit) -> Commit: ...

    def around_attempts(self, performer: Performs) -> Performs: ...

    def around_gateway(self, asked_for: Any, gateway: object) -> object: ...
