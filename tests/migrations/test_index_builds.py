import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import psycopg
import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from orders_service import schema
from pipelines.journal.postgres import ALTERING
from tests.harness import schemas
from tests.harness.postgres import Postgres, fresh_database

RELEASED = "0002"
BUILDS_FROM, BUILDS_TO = schemas.revisions()[-2:]
_WAITING_LONG = text(
    "SELECT pid FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONCURRENTLY%' AND wait_event_type = 'Lock' "
    "AND datname = current_database() AND clock_timestamp() - query_start > interval '100 ms'"
)
_INVALID = text("SELECT count(*) FROM pg_index WHERE NOT indisvalid")


@pytest.fixture
def of_last_release(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A database to be migrated by somebody who would soon be tired of waiting for locks."""
    with fresh_database(postgres) as url:
        schema.migrate(url, to=RELEASED)
        soon_tired = replace(ALTERING, settings={**ALTERING.settings, "lock_timeout": "20ms"})
        monkeypatch.setattr("pipelines.journal.postgres.ALTERING", soon_tired)
        yield url


@contextmanager
def long_report(url: str) -> Iterator[None]:
    """Somebody who reads all from one snapshot, without the limits of the service, which would end that too soon."""
    with psycopg.connect(url) as reader:
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        reader.execute("SELECT count(*) FROM runs")
        yield


async def building(observer: Connection, migration: asyncio.Task[None]) -> int:
    """The process that has waited with a build for longer than any lock may take."""
    while (pid := observer.scalar(_WAITING_LONG)) is None:
        observer.commit()
        await asyncio.sleep(0.01)
        assert not migration.done(), migration.exception()
    observer.commit()
    return int(pid)


def invalid_indexes(url: str) -> int:
    with schemas.connected(url) as connection:
        return int(connection.scalar(_INVALID) or 0)


async def test_index_builds_wait_for_a_long_report_and_nobody_waits_for_them(of_last_release: str) -> None:
    url = of_last_release
    with schemas.connected(url) as observer:
        with long_report(url):
            migration = asyncio.create_task(asyncio.to_thread(schema.migrate, url), name="migration")
            await building(observer, migration)
            observer.exec_driver_sql("SET lock_timeout = '20ms'")
            observer.execute(text("LOCK TABLE orders, runs, stock_holds IN ROW EXCLUSIVE MODE"))  # as writers do
            observer.commit()
        await migration
    assert invalid_indexes(url) == 0
    schemas.check(url)


async def test_a_migration_that_was_stopped_in_a_build_can_be_run_again(of_last_release: str) -> None:
    url = of_last_release
    with schemas.connected(url) as observer, long_report(url):
        migration = asyncio.create_task(asyncio.to_thread(schema.migrate, url), name="migration")
        observer.execute(text("SELECT pg_cancel_backend(:pid)"), {"pid": await building(observer, migration)})
        observer.commit()
        with pytest.raises(OperationalError, match="canceling statement due to user request"):
            await migration
        assert invalid_indexes(url) == 1
    schema.migrate(url)
    assert invalid_indexes(url) == 0
    schemas.check(url)


def test_old_orders_are_checked_against_the_new_states_as_well(of_last_release: str) -> None:
    schema.migrate(of_last_release)
    with schemas.connected(of_last_release) as connection:
        assert connection.scalar(text("SELECT count(*) FROM pg_constraint WHERE NOT convalidated")) == 0


def test_who_builds_indexes_by_hand_keeps_the_patience_of_the_session(of_last_release: str) -> None:
    schema.migrate(of_last_release, to=BUILDS_FROM)
    with psycopg.connect(of_last_release, autocommit=True) as connection:
        connection.execute("SET lock_timeout = '7s'")
        for statement in schemas.rendered(f"{BUILDS_FROM}:{BUILDS_TO}").split(";\n"):
            connection.execute(statement.encode())
        assert connection.execute("SHOW lock_timeout").fetchone() == ("7s",)
    schemas.check(of_last_release)
