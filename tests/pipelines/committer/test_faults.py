"""What an error of the driver means for a batch, told by its code."""

import sqlite3
from typing import Any

import psycopg
import pytest
from psycopg import errors
from sqlalchemy.exc import DBAPIError, OperationalError

from pipelines.committer.faults import Fault, fault_of, is_wait


def shaped(error: Exception, *, lost: bool = False) -> DBAPIError:
    """As SQLAlchemy hands it on."""
    drivers: Any = sqlite3.Error if isinstance(error, sqlite3.Error) else psycopg.Error
    wrapped = DBAPIError.instance("SELECT 1", None, error, drivers, connection_invalidated=lost)
    assert isinstance(wrapped, DBAPIError)
    return wrapped


def of_sqlite(code: int) -> sqlite3.Error:
    error = sqlite3.OperationalError("as it says")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        (sqlite3.SQLITE_FULL, Fault.FULL),
        (sqlite3.SQLITE_BUSY, Fault.BUSY),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, Fault.BUSY),
        (sqlite3.SQLITE_IOERR_FSYNC, Fault.FATAL),
        (sqlite3.SQLITE_IOERR_WRITE, Fault.FATAL),
        (sqlite3.SQLITE_CORRUPT_VTAB, Fault.FATAL),
        (sqlite3.SQLITE_NOTADB, Fault.FATAL),
        (sqlite3.SQLITE_CANTOPEN, Fault.FATAL),
        (sqlite3.SQLITE_CONSTRAINT_UNIQUE, Fault.REFUSED),
        (sqlite3.SQLITE_ERROR, Fault.REFUSED),
    ],
)
def test_what_sqlite_says(code: int, fault: Fault) -> None:
    assert fault_of(shaped(of_sqlite(code))) is fault


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (errors.SerializationFailure(), Fault.CONFLICT),
        (errors.DeadlockDetected(), Fault.CONFLICT),
        (errors.LockNotAvailable(), Fault.BUSY),
        (errors.QueryCanceled(), Fault.BUSY),
        (errors.DiskFull(), Fault.FULL),
        (errors.ConnectionFailure(), Fault.LOST),
        (errors.AdminShutdown(), Fault.LOST),
        (errors.CrashShutdown(), Fault.LOST),
        (errors.InternalError_(), Fault.LOST),
        (errors.UniqueViolation(), Fault.REFUSED),
        (errors.CheckViolation(), Fault.REFUSED),
        (errors.StringDataRightTruncation(), Fault.REFUSED),
        (psycopg.OperationalError("the connection is closed"), Fault.LOST),
        (psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes"), Fault.REFUSED),
    ],
)
def test_what_postgresql_says(error: psycopg.Error, fault: Fault) -> None:
    assert fault_of(shaped(error)) is fault


def test_a_broken_connection_without_a_code_is_lost() -> None:
    assert fault_of(shaped(psycopg.ProgrammingError("no result"), lost=True)) is Fault.LOST


def test_only_a_statement_that_is_still_connected_has_waited_for_a_lock() -> None:
    assert is_wait(shaped(errors.LockNotAvailable()))
    assert not is_wait(shaped(errors.IdleInTransactionSessionTimeout(), lost=True))
    assert not is_wait(shaped(errors.DeadlockDetected()))


def test_an_error_is_judged_by_its_code_and_never_by_its_text() -> None:
    assert fault_of(OperationalError("SELECT 1", None, of_sqlite(sqlite3.SQLITE_ERROR))) is Fault.REFUSED
