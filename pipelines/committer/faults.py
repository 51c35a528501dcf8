"""What a database error means for a batch."""

import sqlite3
from enum import Enum, auto
from typing import Any, cast

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from pipelines.errors import Unavailable


class Fault(Enum):
    REFUSED = auto()  # some member's own doing: a constraint, a value the database does not take
    CONFLICT = auto()  # two transactions got into each other's way; once more may do
    BUSY = auto()  # somebody else holds a lock for too long; nothing was written
    FULL = auto()  # no room on the disk; reading goes on, writing resumes by itself
    LOST = auto()  # the connection is gone: at COMMIT the outcome is unknown, before it nothing was written
    FATAL = auto()  # the storage failed: nothing it says from here on can be believed


_BUSY_STATES = {"55P03", "57014", "25P03"}  # lock_timeout, statement_timeout, idle_in_transaction_session_timeout
_CONFLICT_STATES = {"40001", "40P01"}
_LOST_CLASSES = ("08", "57P", "XX", "25006")  # the last: a standby; whoever connects anew finds the primary
_FULL_STATES = {"53100"}

_SQLITE_FAULTS = {
    sqlite3.SQLITE_FULL: Fault.FULL,
    sqlite3.SQLITE_BUSY: Fault.BUSY,
    sqlite3.SQLITE_LOCKED: Fault.BUSY,
    sqlite3.SQLITE_IOERR: Fault.FATAL,
    sqlite3.SQLITE_CORRUPT: Fault.FATAL,
    sqlite3.SQLITE_NOTADB: Fault.FATAL,
    sqlite3.SQLITE_CANTOPEN: Fault.FATAL,
}


def fault_of(error: DBAPIError) -> Fault:
    """Say what the error means, from the driver's own code and never from its text."""
    if isinstance(error.orig, sqlite3.Error):
        code = getattr(error.orig, "sqlite_errorcode", 0)
        return _SQLITE_FAULTS.get(code & 0xFF, Fault.REFUSED)
    state = getattr(error.orig, "sqlstate", None) or ""
    if state in _CONFLICT_STATES:
        return Fault.CONFLICT
    if state in _BUSY_STATES:
        return Fault.BUSY
    if state in _FULL_STATES:
        return Fault.FULL
    if error.connection_invalidated or state.startswith(_LOST_CLASSES) or not state:
        return Fault.LOST if _is_operational(error) else Fault.REFUSED
    return Fault.REFUSED


def is_wait(error: DBAPIError) -> bool:
    """Whether it is this very statement that waited too long for somebody else's lock."""
    return fault_of(error) is Fault.BUSY and not error.connection_invalidated


def held_too_long(cause: Exception) -> Unavailable:
    """What the caller is told: nothing was written, and once more may do."""
    refusal = Unavailable("Somebody else held a lock for too long.")
    refusal.__cause__ = cause
    return refusal


def _is_operational(error: DBAPIError) -> bool:
    """Without a state the driver speaks for itself: a lost connection is operational, an unfit value is not."""
    return error.connection_invalidated or type(error).__name__ in {
        "OperationalError",
        "InterfaceError",
        "InternalError",
    }


class SilentRollbackError(Exception):
    """PostgreSQL answered COMMIT with ROLLBACK: a statement had failed, and a member had swallowed the error."""


def commit(connection: Connection) -> None:
    """COMMIT, and believe it only if the answer says COMMIT, without a reservation.

    PostgreSQL answers the COMMIT of an aborted transaction with the tag ROLLBACK and no error, and one whose wait for
    its standby is cancelled with the tag COMMIT and a warning: such a one counts as unanswered.
    """
    if connection.dialect.name != "postgresql":
        connection.exec_driver_sql("COMMIT")
    elif (tag := _tag_of_commit(connection)) != "COMMIT":
        raise SilentRollbackError(tag)


_WAITS_FOR_STANDBY = "SyncRepWaitForLSN"  # whoever warns in it; the text may be translated, and the code says nothing


def _tag_of_commit(connection: Connection) -> str | None:
    """Past SQLAlchemy, which does not keep the answer's tag; its errors are shaped as SQLAlchemy's again."""
    raw = cast("Any", connection.connection.driver_connection)
    dialect = connection.dialect
    driver = cast("Any", dialect).dbapi
    warned: list[str | None] = []

    def note(warning: Any) -> None:
        warned.append(warning.source_function)  # now: the driver lets go of it

    raw.add_notice_handler(note)
    try:
        tag: str | None = raw.execute("COMMIT").statusmessage
        if _WAITS_FOR_STANDBY in warned:
            raise driver.OperationalError("No standby has confirmed this COMMIT.")
    except driver.Error as error:
        lost = dialect.is_disconnect(error, raw, None)
        raise DBAPIError.instance("COMMIT", None, error, driver.Error, connection_invalidated=lost) from error
    finally:
        raw.remove_notice_handler(note)
    return tag
