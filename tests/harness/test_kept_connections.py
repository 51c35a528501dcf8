"""What is lent again is the same connection, alive, and without a memory."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from sqlalchemy import Connection, Engine, text

from pipelines.journal import open_for_reading, open_for_writing
from tests.harness.kept_connections import Shelf
from tests.harness.postgres import Postgres, fresh_database

_PID = text("SELECT pg_backend_pid()")


@pytest.fixture
def url(postgres: Postgres, shelf: Shelf) -> Iterator[str]:
    shelf.clear()
    with fresh_database(postgres) as url:
        yield url


@contextmanager
def connected(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def test_the_next_engine_that_asks_for_the_same_gets_it(url: str) -> None:
    with connected(open_for_writing(url)) as one:
        pid = one.scalar(_PID)
    with connected(open_for_reading(url)) as reader:
        assert reader.scalar(_PID) != pid
    with connected(open_for_writing(url)) as again, connected(open_for_writing(url)) as other:
        assert again.scalar(_PID) == pid != other.scalar(_PID)


def test_nothing_is_left_of_who_had_it_before(url: str) -> None:
    with connected(open_for_writing(url)) as one:
        one.execute(text("CREATE TEMP TABLE mine ()"))
        one.execute(text("SET lock_timeout = '1s'"))
        one.execute(text("SELECT pg_advisory_lock(1)"))
        one.commit()
    with psycopg.connect(url) as another:
        assert another.execute("SELECT pg_try_advisory_lock(1)").fetchone() == (True,)
    with connected(open_for_writing(url)) as again:
        assert again.scalar(text("SHOW lock_timeout")) == "2s"
        assert again.scalar(text("SELECT to_regclass('mine')")) is None


def test_one_that_has_been_ended_meanwhile_is_not_lent(url: str) -> None:
    with connected(open_for_writing(url)) as one:
        pid = one.scalar(_PID)
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])
    with connected(open_for_writing(url)) as again:
        assert again.scalar(_PID) != pid


def test_one_that_breaks_is_not_kept(url: str, shelf: Shelf) -> None:
    with connected(open_for_writing(url)) as one:
        one.invalidate()
    engine = open_for_writing(url)
    connection = engine.connect()
    pid = connection.scalar(_PID)
    assert connection.connection.driver_connection is not None
    connection.connection.driver_connection.close()  # in the middle of a transaction
    assert pid not in shelf.pids()
    connection.invalidate()
    connection.close()
    engine.dispose()


def test_what_it_has_counted_is_told_as_if_it_had_ended(url: str) -> None:
    with connected(open_for_writing(url)) as one:
        one.execute(text("CREATE TABLE counted (id int)"))
        one.execute(text("INSERT INTO counted VALUES (1), (2)"))
        one.commit()
    with psycopg.connect(url) as another:
        told = another.execute("SELECT n_tup_ins FROM pg_stat_user_tables WHERE relname = 'counted'")
        assert told.fetchone() == (2,)
