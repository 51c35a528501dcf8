import asyncio
import sys
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from orders_service import schema
from pipelines import AlreadyServed, JournalTooOld
from pipelines.journal import lock_of, open_for_reading, parse_url
from tests.harness import schemas
from tests.harness.postgres import Postgres, fresh_database

_POLLS = text(
    "SELECT query_start FROM pg_stat_activity WHERE query = 'COMMIT' AND state = 'idle' "
    "AND datname = current_database() AND pid <> pg_backend_pid()"
)
ORDERS = Path(sys.executable).with_name("orders")


def stamp(database_url: str, revision: str) -> None:
    with schemas.connected(database_url) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})


def stamped(database_url: str) -> str | None:
    with schemas.connected(database_url) as connection:
        return schema.current_revision(connection)


def test_an_empty_database_is_brought_up_to_date(database_url: str) -> None:
    schema.migrate(database_url)
    assert stamped(database_url) == schema.head()
    schema.check(database_url)


def test_a_second_migration_changes_nothing(database_url: str) -> None:
    schema.migrate(database_url)
    with schemas.connected(database_url) as connection:
        connection.execute(
            text("INSERT INTO products (sku, name, price_amount, price_currency) VALUES ('mug', 'Mug', 1, 'EUR')")
        )
    schema.migrate(database_url)
    with schemas.connected(database_url) as connection:
        assert connection.scalar(text("SELECT count(*) FROM products")) == 1


def test_an_older_schema_is_refused_with_the_way_out(database_url: str) -> None:
    schema.migrate(database_url)
    schema.migrate(database_url, to="base")
    with pytest.raises(JournalTooOld, match=r"is empty, and this release needs \w+\. Run: orders migrate"):
        schema.check(database_url)


def test_a_newer_schema_is_left_alone_and_accepted(database_url: str) -> None:
    schema.migrate(database_url)
    stamp(database_url, "of-the-next-release")
    schema.migrate(database_url)
    schema.check(database_url)
    assert stamped(database_url) == "of-the-next-release"


def test_there_is_no_way_back_from_a_schema_that_nobody_here_knows(database_url: str) -> None:
    schema.migrate(database_url)
    stamp(database_url, "of-the-next-release")
    with pytest.raises(ValueError, match="newer than this release"):
        schema.migrate(database_url, to="-1")


@pytest.mark.parametrize("revision", ["nonsense", "-99"])
def test_a_revision_that_is_none_is_refused_in_words(database_url: str, revision: str) -> None:
    schema.migrate(database_url)
    with pytest.raises(ValueError, match=revision):
        schema.migrate(database_url, to=revision)


def test_migrations_that_cannot_be_read_are_no_newer_schema(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema.migrate(database_url)
    (tmp_path / "pyproject.toml").write_text("[tool.alembic]\nscript_location = '%(here)s/nowhere'\n")
    monkeypatch.setattr(schema, "_PROJECT", tmp_path)
    with pytest.raises(ValueError, match="nowhere"):
        schema.migrate(database_url)


def test_a_file_that_is_served_is_not_migrated_under_its_process(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'orders.db'}"
    lock = lock_of(parse_url(url))
    assert lock is not None
    lock.acquire()
    with pytest.raises(AlreadyServed):
        schema.migrate(url)
    lock.release()
    schema.migrate(url)


def test_a_migration_that_fails_lets_go_of_the_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'orders.db'}"
    with pytest.raises(ValueError, match="nonsense"):
        schema.migrate(url, to="nonsense")
    schema.migrate(url)


async def test_of_many_who_migrate_at_once_all_succeed(postgres: Postgres) -> None:
    with fresh_database(postgres) as url:
        environment = {"ORDERS_DATABASE_URL": url}
        migrators = [await asyncio.create_subprocess_exec(ORDERS, "migrate", env=environment) for _ in range(3)]
        assert [await migrator.wait() for migrator in migrators] == [0, 0, 0]
        schema.check(url)


async def test_a_migrator_waits_for_another_without_an_open_statement(postgres: Postgres) -> None:
    with fresh_database(postgres) as url, schemas.connected(url) as other:
        lock = {"key": schema._ADVISORY_LOCK}
        other.execute(text("SELECT pg_advisory_lock(:key)"), lock)
        other.commit()
        migration = asyncio.create_task(asyncio.to_thread(schema.migrate, url), name="migration")
        polls: set[datetime] = set()
        while len(polls) < 2:
            polls |= set(other.scalars(_POLLS))
            other.commit()
            await asyncio.sleep(0.01)
            assert not migration.done()
        assert schemas.table_names(url) == set()
        other.execute(text("SELECT pg_advisory_unlock(:key)"), lock)
        other.commit()
        await migration
        schema.check(url)


def test_a_running_process_can_work_with_a_schema_of_any_revision(database_url: str) -> None:
    schema.migrate(database_url)
    engine = open_for_reading(database_url)
    assert schema.is_current(engine)
    stamp(database_url, "of-the-next-release")
    assert schema.is_current(engine)
    engine.dispose()
