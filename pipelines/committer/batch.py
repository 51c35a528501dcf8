"""One attempt to put many members into one transaction."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache
from itertools import groupby
from types import CoroutineType
from typing import Any, NoReturn

from sqlalchemy import Connection, Table
from sqlalchemy.exc import DBAPIError

from pipelines.committer.faults import Fault, fault_of, held_too_long, is_wait
from pipelines.committer.members import Member
from pipelines.errors import WiringError
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

    def __init__(self, cause: Exception, fault: Fault, *, is_nobodys: bool = False) -> None:
        super().__init__(str(cause))
        self.cause = cause
        self.fault = fault
        self.is_nobodys = is_nobodys  # it happened before any member was called


class MembersFailed(Exception):
    """These members failed after they had written; the others can go on without them."""

    def __init__(self, errors: dict[int, Exception]) -> None:
        super().__init__(f"{len(errors)} members failed")
        self.errors = errors


class Care(Enum):
    """How deferred rows are sent."""

    TOGETHER = auto()
    ONE_BY_ONE = auto()  # to tell whose row it is that is not met
    IMPATIENTLY = auto()  # to tell, after a long wait, whose row it is that somebody else holds


class Shortfall(Exception):
    """Not all rows of a deferred statement could be met; with more care it will be seen whose."""

    def __init__(self, care: Care) -> None:
        super().__init__(care.name)
        self.care = care


def broken_by(error: Exception, *, is_nobodys: bool = False) -> BatchBroken:
    """A database error is never blamed on the call that it came out of."""
    fault = fault_of(error) if isinstance(error, DBAPIError) else Fault.REFUSED
    return BatchBroken(error, fault, is_nobodys=is_nobodys)


def perform(tx: Transaction, members: Sequence[Member], care: Care) -> list[Outcome]:
    """Call the members in order, then send what they added and what they deferred."""
    outcomes = [_called(tx, index, member) for index, member in enumerate(members)]
    try:
        tx.send()
        if care is Care.TOGETHER:
            _together(tx)
        else:
            _one_by_one(tx, care)
    except (Shortfall, MembersFailed):
        raise
    except Exception as error:  # also what the driver or a column's type says of a value that does not fit
        raise broken_by(error) from error
    return outcomes


def _called(tx: Transaction, index: int, member: Member) -> Outcome:
    mark = tx.mark()
    tx.member, tx.origin = index, member.origin
    try:
        result = member.function(tx, *member.args)
        if type(result) is CoroutineType:
            _refuse(result)
    except DBAPIError as error:
        if is_wait(error):
            raise MembersFailed({index: held_too_long(error)}) from error
        raise broken_by(error) from error
    except Exception as error:
        caught = _caught(tx)
        if caught is not None and caught.fault is not Fault.REFUSED:
            raise caught from error
        if caught is not None or tx.wrote_since(mark):
            raise MembersFailed({index: error}) from error
        tx.drop_since(mark)
        return Outcome(member, error=error)
    if (caught := _caught(tx)) is not None:
        raise caught
    return Outcome(member, result)


def _refuse(coroutine: "CoroutineType[Any, Any, Any]") -> NoReturn:
    coroutine.close()
    raise WiringError(
        f"{coroutine.__qualname__} is an `async def`; a transaction function is a `def`: nobody waits in it"
    )


SWALLOWED = "pipelines.error"  # where the engine's listener keeps an error that a member may have caught


def _caught(tx: Transaction) -> BatchBroken | None:
    """The database error that the member caught, if there was one: nothing after it can be believed."""
    if tx.core.invalidated:
        return BatchBroken(ConnectionError("The connection was lost."), Fault.LOST)
    error = tx.core.info.pop(SWALLOWED, None)
    return broken_by(error) if error is not None else None


def _together(tx: Transaction) -> None:
    """Equal statements at once, tables in the global lock order, rows in key order."""
    connection = tx.connection()
    for group in _groups(tx.deferred):
        try:
            result = connection.execute(group[0].statement, [deferred.row for deferred in group])
        except DBAPIError as error:
            if is_wait(error):
                raise Shortfall(Care.IMPATIENTLY) from error
            raise
        if group[0].otherwise is not None and result.rowcount != len(group):
            raise Shortfall(Care.ONE_BY_ONE)


def _one_by_one(tx: Transaction, care: Care) -> None:
    """The same rows in the same order, each alone, so that each that is not met is somebody's."""
    if care is Care.IMPATIENTLY:
        tx.core.exec_driver_sql("SET LOCAL lock_timeout = '200ms'")
    connection, rows = tx.connection(), [deferred for group in _groups(tx.deferred) for deferred in group]
    takers: defaultdict[Hashable, set[int]] = defaultdict(set)
    short: dict[int, tuple[Hashable, Exception]] = {}
    for deferred in rows:
        if deferred.member in short:
            continue
        if _is_met(connection, deferred, rows):
            takers[_row(deferred)].add(deferred.member)
        elif deferred.otherwise is not None:
            short[deferred.member] = (_row(deferred), deferred.otherwise)
    if short:
        # Whoever came too late for what another one of them took may have a place, now that this one fails.
        sure = [member for member, (row, _) in short.items() if not takers[row] & short.keys()]
        raise MembersFailed({member: short[member][1] for member in sure or [min(short)]})


def _is_met(connection: Connection, deferred: Deferred, rows: Iterable[Deferred]) -> bool:
    try:
        return connection.execute(deferred.statement, deferred.row).rowcount == 1
    except DBAPIError as error:
        if not is_wait(error):
            raise
        waiting = {each.member for each in rows if _row(each) == _row(deferred)}
        raise MembersFailed(dict.fromkeys(waiting, held_too_long(error))) from error


def _row(deferred: Deferred) -> Hashable:
    return deferred.statement.table, next(iter(deferred.row.values()))


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
