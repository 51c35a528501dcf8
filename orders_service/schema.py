"""The database's schema: brought up to date by `orders migrate`, checked by whoever serves."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, inspect, text

from pipelines import JournalTooOld
from pipelines.journal import lock_of, open_for_altering, open_for_reading, parse_url, refuse_if_closed

_PROJECT = Path(__file__).parent.parent
_ADVISORY_LOCK = 7_264_911_031  # any number that all migrators of this service share
_POLL_SECONDS = 0.2
# Else the statement of a migrator that was killed goes on, and with it its lock, for as long as an index takes.
_NOTICE_DEATH = (
    "SELECT set_config(name, '2s', false) FROM pg_settings WHERE name = 'client_connection_check_interval'"  # since 14
)


def _config() -> Config:
    return Config(toml_file=str(_PROJECT / "pyproject.toml"))


def migrate(database_url: str, *, to: str = "head") -> None:
    """Bring the schema to a revision. Safe when several pods start it at once: the others wait, then find it done.

    Indexes of large tables are built last, while everybody works; they wait for transactions that began before.
    A revision that this code does not know is newer, after a rollback: it is left alone. Raises `AlreadyServed` when a
    process has the SQLite file, and `ValueError` when there is no way to the revision.
    """
    lock = lock_of(parse_url(database_url))
    if lock is not None:
        lock.acquire()
    engine = open_for_altering(database_url)
    try:
        with engine.connect() as connection, _alone(connection):
            stands = _stands(current_revision(connection))
            if to == "head" and stands in {Stands.EQUAL, Stands.NEWER}:
                return
            if stands is Stands.NEWER:
                raise ValueError("The database is newer than this release, which knows no way back from there.")
            _run(connection, to)
    except CommandError as error:
        raise ValueError(f"{error}.") from None
    finally:
        engine.dispose()
        if lock is not None:
            lock.release()


def _run(connection: Connection, to: str) -> None:
    config = _config()
    config.attributes["connection"] = connection
    connection.rollback()  # the pragma is ignored inside a transaction
    if connection.dialect.name == "sqlite":  # a table that is altered is copied and dropped: that would cascade
        connection.connection.cursor().execute("PRAGMA foreign_keys=OFF")
    if to == "base" or to.startswith("-"):
        command.downgrade(config, to)
    else:
        command.upgrade(config, to)
    connection.commit()


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """Polled, not waited for: a blocked lock is an open statement, which a concurrent index build would wait for."""
    if connection.dialect.name != "postgresql":
        yield
        return
    connection.exec_driver_sql(_NOTICE_DEATH)
    while not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": _ADVISORY_LOCK}):
        connection.commit()
        time.sleep(_POLL_SECONDS)
    connection.commit()
    try:
        yield
    finally:
        connection.rollback()
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _ADVISORY_LOCK})
        connection.commit()


class Stands(StrEnum):
    """What a schema is to a release."""

    EMPTY = "empty"
    OLDER = "older"
    EQUAL = "equal"
    NEWER = "newer"


@dataclass(frozen=True, slots=True)
class Standing:
    """Which schema there is, and which one this release was written for."""

    stands: Stands
    have: str | None
    need: str | None

    def __str__(self) -> str:
        have = f"revision {self.have}" if self.have else "empty"
        if self.stands is Stands.NEWER:
            return f"The database is {have}, which is newer than this release, whose schema is {self.need}"
        return f"The database is {have}, and this release needs {self.need}"


def standing(database_url: str) -> Standing:
    """How the database stands to this release. Raises `JournalTooOld` when there is no file, and makes none."""
    url = parse_url(database_url)
    if lock_of(url) is not None and not Path(str(url.database)).exists():
        raise JournalTooOld("There is no database yet. Run: orders migrate")
    engine = open_for_reading(database_url)
    try:
        with engine.connect() as connection:
            refuse_if_closed(connection)
            revision = current_revision(connection)
    finally:
        engine.dispose()
    return Standing(_stands(revision), revision, head())


def _stands(revision: str | None) -> Stands:
    if revision is None:
        return Stands.EMPTY
    if revision == head():
        return Stands.EQUAL
    return Stands.OLDER if is_known(revision) else Stands.NEWER


def check(database_url: str) -> None:
    """Raise `JournalTooOld` with the way out, unless the schema is ours or newer, or `JournalMoved`."""
    found = standing(database_url)
    if found.stands in {Stands.EMPTY, Stands.OLDER}:
        raise JournalTooOld(f"{found}. Run: orders migrate")


def head() -> str | None:
    """The revision that this code was written for."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def table_names(connection: Connection) -> set[str]:
    """All that are there, whoever made them."""
    return set(inspect(connection).get_table_names())


def current_revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def is_known(revision: str | None) -> bool:
    """Whether this release has it; it lacks those of newer ones. Raises what keeps its migrations from being read."""
    return revision is None or revision in _revisions()


def _revisions() -> frozenset[str]:
    return frozenset(each.revision for each in ScriptDirectory.from_config(_config()).walk_revisions())


def is_current(engine: Engine) -> bool:
    """Whether a running process finds the database, and in it the schema of its own release or of a newer one."""
    with engine.connect() as connection:
        revision = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision is not None and revision not in _older_revisions()


@cache
def _older_revisions() -> frozenset[str]:
    """Read once: a probe comes every few seconds."""
    return _revisions() - {head()}
