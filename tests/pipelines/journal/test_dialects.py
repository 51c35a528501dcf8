"""Where the databases differ: how they are opened, who may write, and what time it is."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, select, update
from sqlalchemy.exc import DBAPIError

from pipelines import Process, WiringError
from pipelines.journal import dialects, open_for_reading, open_for_writing, parse_url
from pipelines.journal.dialects import now_and
from pipelines.journal.tables import processes
from pipelines.testing import create_tables
from tests.harness.clocks import ROUNDING


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("postgres://ada@db/orders", "postgresql+psycopg"),
        ("postgresql://ada@db/orders", "postgresql+psycopg"),
        ("postgresql+psycopg://ada@db/orders", "postgresql+psycopg"),
        ("sqlite:///orders.db", "sqlite"),
    ],
)
def test_postgresql_means_psycopg_by_whichever_name(url: str, driver: str) -> None:
    assert parse_url(url).drivername == driver


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("orders.db", "is no database URL. Use sqlite:///app.db"),
        ("sqlite://", "in memory is gone .* Use sqlite:///app.db"),
        ("sqlite:///:memory:", "in memory is gone .* Use sqlite:///app.db"),
        ("sqlite+aiosqlite:///orders.db", r"sqlite\+aiosqlite is not for the journal. Use sqlite:///app.db"),
        ("postgresql+asyncpg://ada:secret@db/orders", r"asyncpg is not for the journal. Use .*postgresql://user"),
        ("mysql://ada:secret@db/orders", "mysql is not for the journal"),
    ],
)
@pytest.mark.parametrize("opening", [open_for_writing, open_for_reading])
def test_where_no_journal_can_be_it_is_said_where_one_can(
    opening: Callable[[str], Engine], url: str, words: str
) -> None:
    with pytest.raises(WiringError, match=words) as refusal:
        opening(url)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("few", [2, 1, -5])
def test_a_process_without_a_connection_to_read_by_is_refused(database_url: str, few: int) -> None:
    """SQLAlchemy takes a pool of none for one without a limit."""
    with pytest.raises(ValueError, match="takes 3 connections at least"):
        Process(database_url, connections=few)


def test_a_driver_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialects, "find_spec", lambda _: None)
    with pytest.raises(WiringError, match=r'pip install "psycopg\[binary\]"'):
        open_for_writing("postgresql://ada@db/orders")


@pytest.mark.parametrize("ahead", [0.0, 3600.0, -3600.0, 0.001, -315_360_000.0], ids=str)
def test_the_clock_of_the_database_is_moved_by_so_many_seconds(database_url: str, ahead: float) -> None:
    engine, moved = open_for_reading(database_url), timedelta(seconds=ahead)
    with engine.connect() as connection:
        before = datetime.now(UTC)
        told: datetime = connection.execute(select(now_and("ahead")), {"ahead": ahead}).scalar_one()
        after = datetime.now(UTC)
    engine.dispose()
    assert before + moved - ROUNDING <= told <= after + moved + ROUNDING


def test_who_reads_cannot_write(database_url: str) -> None:
    create_tables(database_url)
    engine = open_for_reading(database_url)
    with engine.connect() as connection, pytest.raises(DBAPIError, match=r"read-?only"):
        connection.execute(update(processes).values(pid=1))
    engine.dispose()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_commit_on_sqlite_is_on_disk(database_url: str) -> None:
    engine = open_for_writing(database_url)
    with engine.connect() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    engine.dispose()
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
