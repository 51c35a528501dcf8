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
from pipelines.journal import postgres

POSTGRESQL = "postgresql"
PSYCOPG = "postgresql+psycopg"
_SQLITE = ("sqlite", "sqlite+pysqlite")
_URLS = "Use sqlite:///app.db or postgresql://user:password@host/name; an `async` driver may be used beside it."


def parse_url(url: str) -> URL:
    """SQLAlchemy's URL; PostgreSQL means psycopg 3. Raises `WiringError`.

    `postgres://` is accepted, and several hosts as libpq has them: `postgresql://one,other/orders`.
    """
    try:
        url = url.replace("postgres://", "postgresql://", 1) if url.startswith("postgres://") else url
        parsed = make_url(postgres.spread_hosts(url))
    except ArgumentError:
        raise WiringError(f"This is no database URL. {_URLS}") from None  # it may hold a password
    postgres.is_behind_pooler(parsed)
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
        engine = postgres.open_postgres(parsed, postgres.WRITING, pool_size=1, max_overflow=1)
    event.listen(engine, "handle_error", _keep_error)
    return engine


def open_for_reading(url: str, *, connections: int = 14) -> Engine:
    """An engine whose connections cannot write: at most so many, of which a few stay open."""
    parsed = _openable(url)
    kept = min(_KEPT_OPEN, connections)
    pool: dict[str, Any] = {"pool_size": kept, "max_overflow": connections - kept}
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(parsed, poolclass=QueuePool, connect_args=_SQLITE_ARGS, **pool)
        event.listen(engine, "connect", _prepare_sqlite_reader)
        return engine
    return postgres.open_postgres(parsed, postgres.READING, pool_pre_ping=True, **pool)


def open_for_process(url: str, *, connections: int) -> tuple[Engine, Engine]:
    """What a process writes through and what it reads through, with so many connections together at most."""
    if connections < _FEWEST:
        raise ValueError(f"a process takes {_FEWEST} connections at least, and not {connections}")
    return open_for_writing(url), open_for_reading(url, connections=connections - 2)  # one writes, one asks in doubt


def open_for_altering(url: str) -> Engine:
    """For a schema that is made or changed: nothing of it is limited, and PostgreSQL gives it a session of its own."""
    parsed = _openable(url)
    if parsed.get_backend_name() == "sqlite":
        return open_for_writing(url)
    return postgres.open_postgres(parsed, postgres.ALTERING, pool_size=1)


def open_for_receiving(url: str) -> Engine:
    """For a journal that moves to PostgreSQL: its rows come in one transaction, of which nothing is limited."""
    return postgres.open_postgres(_openable(url), postgres.RECEIVING, pool_size=1, max_overflow=1)


_FEWEST = 3
_KEPT_OPEN = 4
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
