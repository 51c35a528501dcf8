"""One attempt to put many members into one transaction."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Any

from sqlalchemy import Table
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from pipelines.committer.faults import Fault, fault_of
from pipelines.committer.members import Member
from pipelines.transaction import Deferred, Transaction

UNRANKED = 1000  # tables that name no place in the lock order come last, parents before children


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one member's caller is told once the batch has committed."""

    member: Member
    result: Any = None
    error: Exception | None = None


class BatchBroken(Exception):
    """The database refused something of this batch, and nobody can say whose it was."""

    def __init__(self, cause: Exception, fault: Fault) -> None:
        super().__init__(str(cause))
        self.cause = cause
        self.fault = fault


class MembersFailed(Exception):
    """These members failed after they had written; the others can go on without them."""

    def __init__(self, errors: dict[int, Exception]) -> None:
        super().__init__(f"{len(errors)} members failed")
        self.errors = errors


class Shortfall(Exception):
    """A deferred statement did not meet all its rows; one by one will tell whose."""


def broken_by(error: SQLAlchemyError) -> BatchBroken:
    """A database error is never blamed on the call that it came out of."""
    return BatchBroken(error, fault_of(error) if isinstance(error, DBAPIError) else Fault.REFUSED)


def perform(tx: Transaction, members: Sequence[Member], *, one_by_one: bool) -> list[Outcome]:
    """Call the members in order, then send what they added and what they deferred."""
    outcomes = [_called(tx, index, member) for index, member in enumerate(members)]
    try:
        tx.send()
        (_one_by_one if one_by_one else _together)(tx)
    except SQLAlchemyError as error:
        raise broken_by(error) from error
    return outcomes


def _called(tx: Transaction, index: int, member: Member) -> Outcome:
    mark = tx.mark()
    tx.member = index
    try:
        result = member.function(tx, *member.args)
    except DBAPIError as error:
        raise broken_by(error) from error
    except Exception as error:
        if tx.wrote_since(mark):
            raise MembersFailed({index: error}) from error
        tx.drop_since(mark)
        return Outcome(member, error=error)
    swallowed = tx.connection().info.pop(SWALLOWED, None)
    if swallowed is not None:
        raise broken_by(swallowed)
    return Outcome(member, result)


SWALLOWED = "pipelines.error"  # where the engine's listener keeps an error that a member may have caught


def _together(tx: Transaction) -> None:
    """Equal statements at once, tables in the global lock order, rows in key order."""
    connection = tx.connection()
    for group in _groups(tx.deferred):
        result = connection.execute(group[0].statement, [deferred.row for deferred in group])
        if group[0].otherwise is not None and result.rowcount != len(group):
            raise Shortfall


def _one_by_one(tx: Transaction) -> None:
    """The same rows in the same order, each alone, so that each that is not met is somebody's."""
    connection = tx.connection()
    errors: dict[int, Exception] = {}
    for group in _groups(tx.deferred):
        for deferred in group:
            if deferred.member in errors:
                continue
            met = connection.execute(deferred.statement, deferred.row).rowcount == 1
            if not met and deferred.otherwise is not None:
                errors[deferred.member] = deferred.otherwise
    if errors:
        raise MembersFailed(errors)


def _groups(deferred: Iterable[Deferred]) -> list[list[Deferred]]:
    """By statement; a statement whose rows are guarded is never mixed with one whose rows are not."""
    keyed = sorted(((_place(each), each) for each in deferred), key=lambda pair: pair[0])
    return [[each for _, each in group] for _, group in groupby(keyed, key=lambda pair: pair[0][:4])]


def _place(deferred: Deferred) -> tuple[int, bool, int, bool, Any, int]:
    statement = deferred.statement
    rank = _rank_of(statement.table) if isinstance(statement.table, Table) else UNRANKED
    key = next(iter(deferred.row.values()))
    return rank, statement.is_update, id(statement), deferred.otherwise is None, key, deferred.member


@cache
def _rank_of(table: Table) -> int:
    rank: int = table.info.get("lock_rank", UNRANKED + table.metadata.sorted_tables.index(table))
    return rank
