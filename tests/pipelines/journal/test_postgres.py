"""How PostgreSQL is reached: limits on every connection, with and without a session, and nobody waits for ever."""

import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest
from sqlalchemy import Engine, make_url, select, text
from sqlalchemy.exc import DBAPIError

from orders_service.database import hold_still
from pipelines import NoSession, ReadSession, WiringError
from pipelines.journal import open_for_altering, open_for_reading, open_for_writing, parse_url, patience
from pipelines.journal import postgres as postgres_journal
from pipelines.journal.tables import processes
from pipelines.testing import create_tables
from tests.harness.postgres import Postgres, fresh_database

LIMITS = {
    "lock_timeout": "2s",
    "statement_timeout": "5s",
    "idle_in_transaction_session_timeout": "5s",
    "synchronous_commit": "on",
    "client_min_messages": "warning",
}
NAMES = tuple(LIMITS)
_PREPARED = text("SELECT count(*) FROM pg_prepared_statements")


@pytest.fixture
def url(postgres: Postgres) -> Iterator[str]:
    with fresh_database(postgres) as url:
        yield url


def pooled(url: str) -> str:
    return make_url(url).update_query_dict({"pgbouncer": "true"}).render_as_string(hide_password=False)


@contextmanager
def opened(opening: Callable[[str], Engine], url: str) -> Iterator[Engine]:
    engine = opening(url)
    try:
        yield engine
    finally:
        engine.dispose()


def shown(engine: Engine, *names: str) -> dict[str, str]:
    with engine.connect() as connection:
        return {name: connection.exec_driver_sql(f"SHOW {name}").scalar_one() for name in names}


@pytest.mark.parametrize("opening", [open_for_writing, open_for_reading])
@pytest.mark.parametrize("through", [str, pooled])
def test_no_backend_holds_a_row_for_as_long_as_a_lease(
    url: str, opening: Callable[[str], Engine], through: Callable[[str], str]
) -> None:
    with opened(opening, through(url)) as engine:
        assert shown(engine, *NAMES) == LIMITS


@pytest.mark.parametrize("through", [str, pooled])
def test_a_transaction_of_the_committer_is_limited_where_the_server_can(
    url: str, through: Callable[[str], str]
) -> None:
    with opened(open_for_writing, through(url)) as engine:
        if int(shown(engine, "server_version_num")["server_version_num"]) < 170000:
            pytest.skip("transaction_timeout is there since PostgreSQL 17")
        assert shown(engine, "transaction_timeout", "enable_seqscan") == {
            "transaction_timeout": "5s",
            "enable_seqscan": "off",
        }


def test_a_server_looks_itself_whether_a_silent_client_is_still_there(url: str) -> None:
    asked = "SELECT reset_val FROM pg_settings WHERE name = 'tcp_keepalives_idle'"  # SHOW says 0 on a Unix socket
    with opened(open_for_writing, url) as engine, engine.connect() as connection:
        assert connection.exec_driver_sql(asked).scalar_one() == "5"


def test_a_schema_may_take_its_time_to_change(url: str) -> None:
    with opened(open_for_altering, url) as engine:
        assert shown(engine, "statement_timeout", "idle_in_transaction_session_timeout", "lock_timeout") == {
            "statement_timeout": "0",
            "idle_in_transaction_session_timeout": "0",
            "lock_timeout": "5s",
        }


def test_behind_a_pooler_nothing_outlives_its_transaction(url: str) -> None:
    with opened(open_for_writing, pooled(url)) as engine:
        for _ in range(10):  # the driver would have prepared it by now
            shown(engine, *NAMES)
        with engine.connect() as connection:
            assert connection.execute(_PREPARED).scalar_one() == 0
            raw = connection.connection.driver_connection
            connection.rollback()
            assert raw is not None
            assert raw.execute("SHOW lock_timeout").fetchone() == ("0",)


def test_behind_a_pooler_too_who_reads_cannot_write(url: str) -> None:
    create_tables(url)
    with opened(open_for_reading, pooled(url)) as engine, engine.connect() as connection:
        with pytest.raises(DBAPIError, match="read-only"):
            connection.execute(processes.delete())
        connection.rollback()


def test_behind_a_pooler_too_a_session_can_hold_still(url: str) -> None:
    create_tables(url)
    with opened(open_for_reading, pooled(url)) as engine, ReadSession(engine) as session:
        hold_still(session)
        assert session.execute(text("SHOW transaction_isolation")).scalar_one() == "repeatable read"
        assert session.execute(text("SHOW transaction_read_only")).scalar_one() == "on"
        assert session.execute(text("SHOW statement_timeout")).scalar_one() == "5s"


def test_a_schema_is_not_changed_through_a_pooler(url: str) -> None:
    with pytest.raises(NoSession, match="address of PostgreSQL itself"):
        open_for_altering(pooled(url))


def test_whether_there_is_a_pooler_is_said_plainly() -> None:
    with pytest.raises(WiringError, match="neither true nor false"):
        parse_url("postgresql://db/orders?pgbouncer=maybe")


def test_settings_that_did_not_arrive_are_noticed(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A PgBouncer drops them, where it was told to."""
    monkeypatch.setattr(postgres_journal, "_at_start", lambda *_: {})
    with opened(open_for_writing, url) as engine, pytest.raises(NoSession, match=r"\?pgbouncer=true"):
        engine.connect()


def test_options_of_the_url_stay_beside_ours(url: str) -> None:
    options = {"options": "-c search_path=pg_catalog", "application_name": "till"}
    named = make_url(url).update_query_dict(options).render_as_string(hide_password=False)
    with opened(open_for_writing, named) as engine:
        assert shown(engine, "search_path", "application_name", "lock_timeout") == {
            "search_path": "pg_catalog",
            "application_name": "till",
            "lock_timeout": "2s",
        }


@pytest.mark.parametrize(
    "url",
    [
        "postgres://ada:a%40b@one:5432,other:5433/orders?target_session_attrs=read-write",
        "postgresql+psycopg://ada:a%40b@one:5432,other:5433/orders?target_session_attrs=any",
        "postgresql://ada:a%40b@one:5432,other:5433/orders",
    ],
)
def test_several_hosts_are_named_as_libpq_has_them(url: str) -> None:
    parsed = parse_url(url)
    assert (parsed.username, parsed.password, parsed.database) == ("ada", "a@b", "orders")
    assert parsed.query["host"] == ("one:5432", "other:5433")
    assert parse_url(parsed.render_as_string(hide_password=False)) == parsed


@pytest.mark.parametrize("hosts", ["one", "one,other"])
def test_a_comma_in_a_password_separates_nothing(hosts: str) -> None:
    parsed = parse_url(f"postgresql://ada:a,b%40@{hosts}/orders")
    assert (parsed.username, parsed.password, parsed.database) == ("ada", "a,b@", "orders")
    assert "a,b" not in str(parsed)


@pytest.mark.parametrize("opening", [open_for_writing, open_for_reading])
def test_a_host_that_is_away_is_passed_over(postgres: Postgres, opening: Callable[[str], Engine]) -> None:
    with fresh_database(postgres) as url, closing(socket.socket()) as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        there = make_url(url)
        at = f"{there.query.get('host', there.host)}:{there.port or 5432}"
        away = f"127.0.0.1:{nobody.getsockname()[1]}"
        both = there.set(host=None, port=None).update_query_dict(
            {"host": [away, at], "target_session_attrs": "read-write"}
        )
        with opened(opening, both.render_as_string(hide_password=False)) as engine, engine.connect() as connection:
            assert connection.scalar(select(1)) == 1


def test_a_server_that_is_silent_is_given_up(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(open_for_writing, url) as engine, engine.connect() as connection:
        with monkeypatch.context() as meanwhile:
            meanwhile.setattr(patience, "LONGEST_SILENCE_SECONDS", 0.2)
            with pytest.raises(DBAPIError) as silence:
                connection.exec_driver_sql("SELECT pg_sleep(4)")
        assert silence.value.connection_invalidated
        connection.rollback()
        assert connection.scalar(select(1)) == 1  # over a new one
