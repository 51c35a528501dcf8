"""The two sessions a function may ask for: `Transaction` writes, inside the committer; `ReadSession` reads."""

from collections.abc import Container, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol
from uuid import UUID

from sqlalchemy import Connection, event
from sqlalchemy.orm import ORMExecuteState
from sqlalchemy.sql.dml import Delete, Insert, Update
from sqlmodel import Session

from pipelines.clock import Clock
from pipelines.errors import NotInsideTransaction


class Home(Protocol):
    """What a transaction knows of the process it runs in: its name in the journal, and its free slots."""

    @property
    def process_id(self) -> UUID: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def pauses(self) -> Container[str]:
        """The pipelines of which nothing is to be taken."""

    @property
    def known(self) -> Container[tuple[str, str]]:
        """Name and version of each pipeline that this process can run."""

    def take_slot(self) -> bool:
        """Whether there was room for one more run; the slot is then taken."""

    def give_back_slot(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Deferred:
    """One row of a statement that the whole batch runs together, before its COMMIT."""

    statement: Update | Insert | Delete
    row: Mapping[str, Any]
    otherwise: Exception | None
    member: int


@dataclass(frozen=True, slots=True)
class Mark:
    """How much a transaction held before a member was called, so that the member can be dropped."""

    deferred: int
    wakes: int
    noted: int
    slots: int
    writes: int


class ReadSession(Session):
    """A session for reading: it belongs to one thread, and never to a writing transaction."""


class Transaction(Session):
    """A SQLModel session shared by one batch of the committer, with two more verbs.

    It belongs to the committer's thread and ends with the batch: return values from a transaction function, never
    rows. The function may be called again with a fresh transaction, so it must have no other effects. What members of
    one batch may share, such as a price read once, goes into `noted`; it ends with the batch.
    """

    def __init__(self, connection: Connection, home: Home) -> None:
        super().__init__(bind=connection, autoflush=False, expire_on_commit=False)
        self.home = home
        self.core = connection  # for a SELECT that every order makes: past the ORM
        self.deferred: list[Deferred] = []
        self.wakes: list[object] = []
        self.noted: dict[Hashable, Any] = {}
        self.member = 0
        self.origin: str | None = None  # the trace that the member's caller is part of
        self._slots = 0
        self._writes = 0

    def defer(
        self, statement: Update | Insert | Delete, row: Mapping[str, Any], *, otherwise: Exception | None = None
    ) -> None:
        """Have the statement run for this row before COMMIT, together with the equal statements of the batch.

        Rows are taken in the order of their first value, so name the key first: it is what keeps two processes from
        locking the same rows in opposite order. If the row is not met, this member alone fails, with `otherwise`.
        """
        self.deferred.append(Deferred(statement, row, otherwise, self.member))

    def wake(self, news: object) -> None:
        """Tell the worker of this process, once the COMMIT has happened."""
        self.wakes.append(news)

    def take_slot(self) -> bool:
        """Take a slot of this process's worker for a run that is being started; given back if the batch fails."""
        taken = self.home.take_slot()
        self._slots += taken
        return taken

    def mark(self) -> Mark:
        """Remember what is here before the next member is called."""
        return Mark(len(self.deferred), len(self.wakes), len(self.noted), self._slots, self._writes + self._unsent())

    def wrote_since(self, mark: Mark) -> bool:
        """Whether anything has reached, or would reach, the database that `drop_since` could not take back."""
        return self._writes + self._unsent() != mark.writes or bool(self.dirty)

    def _unsent(self) -> int:
        """However they got here: by `add`, by `merge`, or behind a row that refers to them. Only grows until sent."""
        return len(self._new) + len(self._deleted)

    def drop_since(self, mark: Mark) -> None:
        """Forget what a member that failed had asked for."""
        del self.deferred[mark.deferred :]
        del self.wakes[mark.wakes :]
        while len(self.noted) > mark.noted:
            self.noted.popitem()
        self._give_back(self._slots - mark.slots)

    def abandon(self) -> None:
        """Forget the whole batch: it was rolled back."""
        self._give_back(self._slots)
        self.expunge_all()

    def _give_back(self, count: int) -> None:
        for _ in range(count):
            self.home.give_back_slot()
        self._slots -= count

    def flush(self, objects: Sequence[Any] | None = None) -> NoReturn:  # noqa: ARG002 - Session's own signature
        raise NotInsideTransaction("Never flush: the batch flushes once, for all its members.")

    def commit(self) -> NoReturn:
        raise NotInsideTransaction("Only the committer commits: return, and it will.")

    def rollback(self) -> NoReturn:
        raise NotInsideTransaction("Only the committer rolls back: raise, and it will.")

    def begin_nested(self) -> NoReturn:
        raise NotInsideTransaction("A batch has no savepoints: check first, write after.")

    def send(self) -> None:
        """Send the added rows of the whole batch. The committer's own verb."""
        super().flush()


@event.listens_for(Transaction, "do_orm_execute")
def _notice_write(state: ORMExecuteState) -> None:
    """A statement that is no SELECT has written: its member can no longer be dropped without a rollback."""
    if not state.is_select and isinstance(state.session, Transaction):
        state.session._writes += 1  # noqa: SLF001 - the same class
