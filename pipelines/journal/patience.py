"""A connection to PostgreSQL that hangs up when nothing has come back for too long. Needs psycopg."""

from typing import Any, TypeVar

from psycopg import Connection, OperationalError
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus

R = TypeVar("R")

LONGEST_SILENCE_SECONDS = 6.0
"""A healthy server answers within its `statement_timeout`, 5 s. With the last renewal of the lease 5 s ago, a process
still finds out before it must stop acting, 12 s after it."""


class PatientConnection(Connection[Any]):
    """On a link that is half open nobody answers and nobody hangs up: the kernels of both ends are content.

    No statement is exempt, COMMIT least of all: PostgreSQL's own limits end before it.
    """

    def wait(self, gen: PQGen[R], interval: float = 0.1, timeout: float | None = None) -> R:
        """All that is ever asked of the server passes here."""
        try:
            return super().wait(gen, interval, timeout or LONGEST_SILENCE_SECONDS)
        except OperationalError:
            is_silent = self.pgconn.transaction_status == TransactionStatus.ACTIVE  # an answer would have ended that
            if is_silent:
                self.pgconn.finish()
            raise
