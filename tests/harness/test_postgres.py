"""The PostgreSQL of the tests: databases are apart, and its process can be ended and started again."""

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import create_engine, text

from tests.harness.postgres import OwnPostgres, Postgres, fresh_database, own_postgres


@pytest.fixture(scope="module")
def server() -> Iterator[OwnPostgres]:
    with own_postgres() as server:
        yield server


def test_an_engine_opens_the_database_by_its_url(database_url: str) -> None:
    engine = create_engine(database_url)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT 1")) == 1
    engine.dispose()


def test_two_databases_share_nothing(postgres: Postgres) -> None:
    with fresh_database(postgres) as one, fresh_database(postgres) as other:
        with psycopg.connect(one) as connection:
            connection.execute("CREATE TABLE here (id int)")
        with psycopg.connect(other) as connection, pytest.raises(psycopg.errors.UndefinedTable):
            connection.execute("SELECT * FROM here")


def test_a_database_is_gone_afterwards_although_somebody_is_connected(postgres: Postgres) -> None:
    with fresh_database(postgres) as url:
        connection = psycopg.connect(url)
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")
    connection.close()


def test_a_crash_breaks_connections_and_keeps_what_was_committed(server: OwnPostgres) -> None:
    with fresh_database(server) as url:
        connection = psycopg.connect(url, autocommit=True)
        connection.execute("CREATE TABLE kept (id int)")
        server.crash()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
        connection.close()
        server.start()
        with psycopg.connect(url) as again:
            assert again.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_a_restart_is_another_process(server: OwnPostgres) -> None:
    before = server.pid
    server.restart()
    assert server.pid != before


def test_the_work_of_an_ended_backend_is_counted(server: OwnPostgres) -> None:
    before = server.cpu_seconds()
    with psycopg.connect(server.url) as connection:
        connection.execute("SELECT sum(sqrt(n)) FROM generate_series(1, 1000000) AS n")
    assert server.cpu_seconds() > before
