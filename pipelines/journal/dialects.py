"""Where SQLite and PostgreSQL differ: opening them for writing and for reading, and their idea of now."""

from datetime import datetime
from importlib.util import find_spec
from typing import Any

from sqlalchemy import URL, Engine, Float, bindparam, create_engine, event, make_url, select
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlmodel import UTCDateTime

from pipelines.committer import SWALLOWED
from pipelines.errors import WiringError

POSTGRESQL = "postgresql"
PSYCOPG = "postgresql+psycopg"
_SQLITE = ("sqlite", "sqlite+pysqlite")
_URLS = "Use sqlite:///app.db or postgresql://user:password@host/name; an `async` driver may be used beside it."

# No hung backend may hold a row for longer than a lease lasts.
_POSTGRES_SETTINGS = {
    "lock_timeout": "2s",
    "statement_timeout": "5s",
    "idle_in_transaction_session_timeout": "5s",
    "tcp_user_timeout": "5s",
    "synchronous_commit": "on",
}
# The committer finds its rows by key. A plan that was made while the tables were empty would scan them for as long as
# the connection lives.
_BY_KEY = {"enable_seqscan": "off"}
_KEEPALIVE = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3, "connect_timeout": 3}

# For what is longer than a transaction of ours may be: a schema is made or changed.
UNLIMITED = "SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'transaction_timeout'"  # since 17


def parse_url(url: str) -> URL:
    """SQLAlchemy's URL; `postgres://` is accepted, and PostgreSQL means psycopg 3. Raises `WiringError`."""
    try:
        parsed = make_url(url.replace("postgres://", "postgresql://", 1) if url.startswith("postgres://") else url)
    except ArgumentError:
        raise WiringError(f"This is no database URL. {_URLS}") from None  # it may hold a password
    return parsed.set(drivername=PSYCOPG) if parsed.drivername == POSTGRESQL else parsed


def _openable(url: str) -> URL:
    """Raises `WiringError` where no journal could be, with what to do."""
    parsed = parse_url(url)
    if parsed.drivername not in (*_SQLITE, PSYCOPG):
        raise WiringError(f"{parsed.drivername} is not for the journal. {_URLS}")
    if parsed.drivername in _SQLITE and parsed.database in (None, "", ":memory:"):
        raise WiringError(f"A database in memory is gone when its connection is. {_URLS}")
    if parsed.drivername == PSYCOPG and find_spec("psycopg") is None:
        raise WiringError('PostgreSQL needs psycopg: pip install "psycopg[binary]"')
    return parsed


def open_for_writing(url: str) -> Engine:
    """The engine of the committer: one connection, explicit BEGIN, and every error noticed."""
    parsed = _openable(url)
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(parsed, poolclass=QueuePool, pool_size=1, max_overflow=0, connect_args=_SQLITE_ARGS)
        event.listen(engine, "connect", _prepare_sqlite_writer)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    else:
        engine = create_engine(parsed, pool_size=1, max_overflow=1, connect_args=_postgres_args(**_BY_KEY))
        event.listen(engine, "connect", _prepare_postgres_writer)
    event.listen(engine, "handle_error", _keep_error)
    return engine


def open_for_reading(url: str, *, connections: int = 4) -> Engine:
    """An engine whose connections cannot write."""
    parsed = _openable(url)
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(parsed, poolclass=QueuePool, pool_size=connections, connect_args=_SQLITE_ARGS)
        event.listen(engine, "connect", _prepare_sqlite_reader)
        return engine
    return create_engine(
        parsed,
        pool_size=connections,
        pool_pre_ping=True,
        connect_args=_postgres_args(default_transaction_read_only="on"),
    )


_SQLITE_ARGS = {"check_same_thread": False, "timeout": 5, "isolation_level": None}


def _prepare_sqlite_writer(connection: DBAPIConnection, _: object) -> None:
    cursor = connection.cursor()
    for pragma in (
        "auto_vacuum=INCREMENTAL",  # takes effect before the first table only
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "journal_size_limit=67108864",
        "wal_autocheckpoint=1000",
        "cache_size=-16384",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _prepare_sqlite_reader(connection: DBAPIConnection, _: object) -> None:
    """SQLite before 3.51.3 may corrupt a WAL file when two connections checkpoint: readers never do."""
    cursor = connection.cursor()
    for pragma in ("query_only=ON", "wal_autocheckpoint=0", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


# Since PostgreSQL 17; an older one does not know the name, and would refuse it among the options of a connection.
_LIMIT_TRANSACTIONS = (
    "SELECT set_config('transaction_timeout', '5s', false) FROM pg_settings WHERE name = 'transaction_timeout'"
)


def _prepare_postgres_writer(connection: DBAPIConnection, _: object) -> None:
    """The `executemany` of psycopg ends with a message that puts `idle_in_transaction_session_timeout` to sleep.

    A process that is paused after it would hold its locks for ever, and as its own row is one of them, nobody could
    declare it dead.
    """
    cursor = connection.cursor()
    cursor.execute(_LIMIT_TRANSACTIONS)
    cursor.close()
    connection.commit()


def _postgres_args(**settings: str) -> dict[str, Any]:
    options = " ".join(f"-c {name}={value}" for name, value in (_POSTGRES_SETTINGS | settings).items())
    return {"options": options, "application_name": "pipelines", **_KEEPALIVE}


def _keep_error(context: ExceptionContext) -> None:
    """Remember the error on its connection: a function that catches it must not make its batch look whole."""
    if context.connection is not None and not context.connection.invalidated:
        context.connection.info[SWALLOWED] = context.sqlalchemy_exception


class now_plus(FunctionElement[Any]):  # noqa: N801 - reads as the SQL function it stands for
    """The database's clock plus so many seconds. The database alone judges it, so processes need not agree on time."""

    name = "now_plus"
    type = UTCDateTime()
    inherit_cache = True


@compiles(now_plus, "sqlite")
def _now_plus_sqlite(element: now_plus, compiler: SQLCompiler, **kw: Any) -> str:
    return f"strftime('%Y-%m-%d %H:%M:%f000', 'now', {compiler.process(element.clauses, **kw)} || ' seconds')"


@compiles(now_plus, "postgresql")
def _now_plus_postgresql(element: now_plus, compiler: SQLCompiler, **kw: Any) -> str:
    return f"(now() + {compiler.process(element.clauses, **kw)} * interval '1 second')"


def now_and(name: str) -> now_plus:
    """The database's clock, plus the seconds that are bound under this name."""
    return now_plus(bindparam(name, type_=Float()))


_NOW = select(now_and("skew"))


def time_of(session: Session, skew_seconds: float) -> datetime:
    """What time it is by the database's clock."""
    now: datetime = session.execute(_NOW, {"skew": seconds(skew_seconds)}).scalar_one()
    return now


def seconds(amount: float) -> float:
    """As both databases take it: whole milliseconds, since SQLite reads no exponents."""
    return round(amount, 3)
