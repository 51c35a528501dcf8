"""The committer's thread: takes what has queued up, and sees to it that each member gets its own answer."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from pipelines.committer.batch import (
    SWALLOWED,
    BatchBroken,
    Care,
    MembersFailed,
    Outcome,
    Shortfall,
    broken_by,
    perform,
)
from pipelines.committer.faults import Fault, SilentRollbackError, fault_of, held_too_long
from pipelines.committer.members import Member, Queue
from pipelines.committer.pulse import Pulse
from pipelines.committer.standing import Answer, Standing
from pipelines.errors import Fenced, JournalError, OutcomeUnknown, StorageFull, Unavailable
from pipelines.events import BatchCommitted, CommitDoubted, Event
from pipelines.transaction import Home, Transaction

_PAUSES = (0.05, 0.1, 0.2, 0.5)  # seconds between two tries to reach a database that is away; then the last, for ever

# How often a batch is sent again before somebody in it is suspected; REFUSED is for a member that is alone.
_ONCE_MORE = {Fault.CONFLICT: 1, Fault.LOST: 2, Fault.REFUSED: 1}


@dataclass(frozen=True, slots=True)
class Report:
    """What the event loop is told after a batch: answers, news for the worker, and what happened."""

    outcomes: Sequence[Outcome]
    wakes: Sequence[object] = ()
    events: Sequence[Event] = ()


class Dead(Exception):
    """This process may write no more."""

    def __init__(self, reason: str, error: JournalError) -> None:
        super().__init__(reason)
        self.error = error


class Writer:
    """Owns the writing connection and the count of batches."""

    def __init__(
        self,
        engine: Engine,
        standing: Standing,
        home: Home,
        queue: Queue,
        report: Callable[[Report], None],
        *,
        commit: Callable[[Connection], None],
    ) -> None:
        self._engine = engine
        self._standing = standing
        self._home = home
        self._queue = queue
        self._report = report
        self._really_commit = commit
        self._connection: Connection | None = None
        self._batches = 0
        self._giving_up = threading.Event()
        self.pulse = Pulse(engine)
        self.renewed_at = time.monotonic()  # when the last confirmed renewal of the lease was sent

    def work(self, most: int) -> None:
        """Until the queue is closed and empty, or this process is dead."""
        try:
            while members := self._queue.take(most):
                try:
                    self._settle(members)
                except Dead as death:
                    self._refuse(members, death.error)
                    raise
                except BaseException:
                    self._refuse(members, OutcomeUnknown("The committer failed."))
                    raise
        finally:
            if self._connection is not None:
                self._connection.close()

    def give_up(self) -> None:
        """Stop waiting for a database that is away."""
        self._giving_up.set()

    def _settle(self, members: list[Member]) -> None:
        """Each member gets its own result or its own error; a bad one never fails a sibling."""
        care, again = Care.TOGETHER, dict(_ONCE_MORE)
        while members:
            try:
                self._send(members, care)
                members = []
            except Shortfall as shortfall:
                care = shortfall.care
            except MembersFailed as failed:
                self._report(Report([Outcome(members[i], error=error) for i, error in failed.errors.items()]))
                members = [member for i, member in enumerate(members) if i not in failed.errors]
            except BatchBroken as broken:
                members = self._after(broken, members, again)

    def _after(self, broken: BatchBroken, members: list[Member], again: dict[Fault, int]) -> list[Member]:
        """Those that are to be sent again, together."""
        if broken.fault is Fault.LOST and broken.is_nobodys:
            return self._after_reconnecting(members)
        if again.get(broken.fault, 0) == 0 or (broken.fault is Fault.REFUSED and not _may_be_late(broken, members)):
            self._isolate(members, broken)
            return []
        again[broken.fault] -= 1
        return self._after_reconnecting(members) if broken.fault is Fault.LOST else members

    def _isolate(self, members: list[Member], broken: BatchBroken) -> None:
        """Bisect down to the one member that the database refuses."""
        if broken.fault is Fault.FATAL:
            raise Dead("the storage failed", OutcomeUnknown("The storage failed.")) from broken.cause
        if broken.fault is Fault.FULL:
            self._refuse(members, StorageFull("The disk is full."))
        elif broken.is_nobodys:
            self._refuse(members, Unavailable("The database does not let this process write."))
        elif len(members) == 1:
            self._refuse(members, _own_error(broken))
        else:
            middle = len(members) // 2
            self._settle(members[:middle])
            self._settle(members[middle:])

    def _send(self, members: Sequence[Member], care: Care) -> None:
        """One transaction: count the batch, call the members, COMMIT, and only then report."""
        started, batch = time.monotonic(), self._batches + 1
        connection = self._connected()
        try:
            transaction = connection.begin()
        except DBAPIError as error:
            self._forget_connection()
            raise broken_by(error, is_nobodys=True) from error
        connection.info.pop(SWALLOWED, None)  # of an earlier batch: that one has been told
        tx = Transaction(connection, self._home)
        try:
            self._advance(connection, batch)
            with self.pulse:
                outcomes = perform(tx, members, care)
            events = self._commit(connection, batch)
            if self._connection is not None:
                transaction.commit()  # it is; this tells SQLAlchemy
        except BaseException as error:
            tx.abandon()
            self._roll_back(error)
            raise
        finally:
            tx.close()
        self._batches, self.renewed_at = batch, started
        events.append(BatchCommitted(len(members), time.monotonic() - started))
        self._report(Report(outcomes, tx.wakes, events))

    def _advance(self, connection: Connection, batch: int) -> None:
        """The fence. No row: find out whether we are dead."""
        try:
            counted = self._standing.advance(connection, batch)
        except DBAPIError as error:
            raise broken_by(error, is_nobodys=True) from error
        if not counted:
            self._forget_connection()  # a SQLite file has only this one to ask by
            if self._was_committed(batch):
                raise Dead("its batches are counted by somebody else", OutcomeUnknown("The count of batches is wrong."))
            raise BatchBroken(Fenced("counted wrongly"), Fault.CONFLICT, is_nobodys=True)

    def _commit(self, connection: Connection, batch: int) -> list[Event]:
        try:
            self._really_commit(connection)
        except SilentRollbackError as error:
            raise BatchBroken(error, Fault.REFUSED) from error
        except DBAPIError as error:
            if fault_of(error) is not Fault.LOST:
                raise broken_by(error) from error
            self._forget_connection()
            committed = self._was_committed(batch)
            if not committed:
                self._report(Report((), events=[CommitDoubted(committed=False)]))
                raise broken_by(error) from error
            return [CommitDoubted(committed=True)]
        return []

    def _was_committed(self, batch: int) -> bool:
        """Nothing else is sent until the journal has said whether it holds this batch."""
        answer = self._asked()
        if answer is not None and answer.commit_seq == batch:
            return True
        if answer is None:
            raise Dead("its row is gone from the journal", Fenced("The journal does not know this process."))
        if answer.dead:
            raise Dead("declared dead by another process", Fenced("This process has been declared dead."))
        if answer.commit_seq < batch - 1:
            raise Dead("the database has lost history", OutcomeUnknown("The database has lost history."))
        return False

    def _asked(self) -> Answer | None:
        for pause in _pauses():
            try:
                return self._standing.ask(self._engine)
            except SQLAlchemyError:
                self._engine.dispose()
            if self._giving_up.wait(pause):
                break
        raise Dead("stopped before the database answered", OutcomeUnknown("The database did not answer."))

    def _after_reconnecting(self, members: list[Member]) -> list[Member]:
        """Nothing of the batch was written. Its callers may give up while the database is away."""
        self._queue.hold_back(members)
        for pause in _pauses():  # also before the first try: what breaks at once must not be tried in a tight loop
            if self._giving_up.wait(pause):
                raise Dead("stopped while the database was away", Unavailable("The database is away."))
            try:
                self._connected()
                break
            except BatchBroken:
                self._engine.dispose()
        return self._queue.take_again(members)

    def _connected(self) -> Connection:
        if self._connection is None:
            try:
                self._connection = self._engine.connect()
            except DBAPIError as error:
                raise broken_by(error, is_nobodys=True) from error
        return self._connection

    def _forget_connection(self) -> None:
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None

    def _roll_back(self, error: BaseException) -> None:
        lost = isinstance(error, BatchBroken) and error.fault is Fault.LOST
        if self._connection is None:
            return
        try:
            self._connection.rollback()
        except DBAPIError:
            lost = True
        if lost:
            self._forget_connection()

    def _refuse(self, members: Sequence[Member], error: Exception) -> None:
        self._report(Report([Outcome(member, error=error) for member in members]))


def _may_be_late(broken: BatchBroken, members: Sequence[Member]) -> bool:
    """Another process may just have written the same key. Called again, the member finds that row."""
    return len(members) == 1 and isinstance(broken.cause, IntegrityError)


def _own_error(broken: BatchBroken) -> Exception:
    match broken.fault:
        case Fault.CONFLICT | Fault.BUSY:
            return held_too_long(broken.cause)
        case Fault.LOST:
            return Unavailable("The database breaks the connection whenever it is asked for this.")
        case _:
            return broken.cause


def _pauses() -> Iterator[float]:
    yield from _PAUSES
    while True:
        yield _PAUSES[-1]
