"""A process in the journal: its row is heartbeat, fence and commit counter in one."""

import json
import os
import socket
from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Connection, Engine, bindparam, insert, update
from sqlalchemy.exc import DBAPIError

from pipelines.clock import Clock
from pipelines.committer import Answer, commit
from pipelines.errors import JournalTooOld
from pipelines.journal.claiming import give_back
from pipelines.journal.closing import refuse_if_closed
from pipelines.journal.creating import what_is_missing
from pipelines.journal.dialects import now_and, seconds
from pipelines.journal.tables import processes
from pipelines.transaction import Transaction

_REGISTER = insert(processes).values(lease_until=now_and("lease"), commit_seq=0, state="live")
_ADVANCE = (
    update(processes)
    .where(
        processes.c.id == bindparam("me"),
        processes.c.commit_seq == bindparam("before"),
        processes.c.state != "dead",
    )
    .values(commit_seq=bindparam("now_at"), lease_until=now_and("lease"))
)
# It waits for a backend that may still be committing our last batch. It writes, for its own COMMIT says what no SELECT
# could: that a standby which the first COMMIT was to wait for has that one too. WAL is one sequence.
_ASK = (
    update(processes)
    .where(processes.c.id == bindparam("me"))
    .values(commit_seq=processes.c.commit_seq)
    .returning(processes.c.commit_seq, processes.c.state)
)
_SET_STATE = update(processes).where(processes.c.id == bindparam("me")).values(state=bindparam("now_in"))


class Presence:
    """Keeps one process alive in the journal; the committer's `Standing`."""

    def __init__(
        self, process_id: UUID, *, lease: timedelta, clock: Clock, knows: Iterable[tuple[str, str]] = ()
    ) -> None:
        self._me = process_id
        self._lease = lease.total_seconds()
        self._clock = clock
        self._knows = json.dumps(sorted(knows))  # what it can carry on, for whoever asks why a run stands still

    def register(self, engine: Engine) -> None:
        """Add the row of this incarnation; no id is ever used twice. Raises `JournalTooOld` and `JournalMoved`."""
        row = {"id": self._me, "host": socket.gethostname(), "pid": os.getpid(), "started_at": self._clock.now()}
        try:
            with engine.begin() as connection:
                connection.execute(_REGISTER, row | {"knows": self._knows, "lease": self._until()})
        except DBAPIError as error:
            with engine.connect() as connection:
                refuse_if_closed(connection)
            if missing := what_is_missing(engine):
                raise JournalTooOld(missing) from error
            raise

    def advance(self, connection: Connection, batch: int) -> bool:
        bound = {"me": self._me, "before": batch - 1, "now_at": batch, "lease": self._until()}
        return connection.execute(_ADVANCE, bound).rowcount == 1

    def ask(self, engine: Engine) -> Answer | None:
        with engine.connect() as connection, connection.begin():
            row = connection.execute(_ASK, {"me": self._me}).one_or_none()
            commit(connection)  # it is a write, and no more to be believed than the one it asks about
        return Answer(row.commit_seq, dead=row.state == "dead") if row is not None else None

    def _until(self) -> float:
        return seconds(self._clock.skew_seconds + self._lease)


def begin_to_drain(tx: Transaction) -> None:
    """Show that this process takes nothing new."""
    tx.execute(_SET_STATE, {"me": tx.home.process_id, "now_in": "draining"})


def leave(tx: Transaction) -> None:
    """The last batch of a process: its runs are free, and it writes no more."""
    give_back(tx)
    tx.execute(_SET_STATE, {"me": tx.home.process_id, "now_in": "dead"})
