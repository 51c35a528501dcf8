"""What happens around a COMMIT of a service under test: somebody else is quicker, or the answer does not come."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, text

from pipelines.worker.faults import Commit, Performs

Watched = Callable[[Connection], bool]


def holding(table: str, rows: int = 1) -> Watched:
    """The first COMMIT after which the table has so many rows."""
    count = text(f"SELECT count(*) FROM {table}")  # noqa: S608 - a test's own table
    return lambda connection: connection.scalar(count) >= rows


class AroundCommits:
    """For `Process(faults=...)`: `first` runs in the transaction of the COMMIT that is watched for.

    If its answer is withheld, it does not come before `let_go`.
    """

    def __init__(
        self, watched: Watched, first: Callable[[Connection], object] = bool, *, withheld: bool = False
    ) -> None:
        self._watched, self._first = watched, first
        self._is_through = False
        self._is_withheld = threading.Event()
        self._may_go = threading.Event()
        if not withheld:
            self._may_go.set()

    async def until_withheld(self) -> None:
        assert await asyncio.to_thread(self._is_withheld.wait, 30)

    def let_go(self) -> None:
        self._may_go.set()

    def around_commit(self, commit: Commit) -> Commit:
        def commit_watched(connection: Connection) -> None:
            is_it = not self._is_through and self._watched(connection)
            if is_it:
                self._is_through = True
                self._first(connection)
            commit(connection)
            if is_it:
                self._is_withheld.set()
                self._may_go.wait(timeout=30)

        return commit_watched

    def around_attempts(self, performer: Performs) -> Performs:
        return performer

    def around_gateway(self, asked_for: Any, gateway: object) -> object:  # noqa: ARG002 - as they all are
        return gateway
