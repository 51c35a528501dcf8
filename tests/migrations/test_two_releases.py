"""Two releases share a database: what a migration of ours takes away, the release before must not need."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, NullPool, create_engine, text

from orders_service import schema, tables
from pipelines.journal import parse_url
from tests.harness import schemas
from tests.harness.postgres import Postgres, fresh_database
from tests.harness.releases import Release, release_before
from tests.harness.shared_schema import Schema, losses, schema_of

VERSIONS = Path("migrations") / "versions"
ROOT = Path(__file__).parents[2]
_USES = """
import json
from sqlmodel import SQLModel
from orders_service import tables
every = SQLModel.metadata.sorted_tables
print(json.dumps([each.name for each in every] + [f"{each.name}.{column.name}" for each in every for column in each.c]))
"""
TRIGGER = "CREATE TRIGGER no BEFORE UPDATE ON stock FOR EACH ROW EXECUTE FUNCTION refuse_audit_change()"
STATUSES = "'pending', 'completed', 'shipped', 'delivered', 'rejected', 'failed', 'cancelled'"
STATUS = "ALTER TABLE orders DROP CONSTRAINT ck_orders_status_is_known, ADD CONSTRAINT ck_orders_status_is_known "


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return release_before(tmp_path_factory.mktemp("before"))


@pytest.fixture(scope="module")
def revision_before(before: Release) -> str:
    """The last one that the release before knows."""
    return str(ScriptDirectory(str(before.folder / "migrations")).get_current_head())


@pytest.fixture(scope="module")
def connection(postgres: Postgres) -> Iterator[Connection]:
    """Without the limits of the service, which would end a transaction that a test leaves open."""
    with fresh_database(postgres) as url:
        schema.migrate(url)
        engine = create_engine(parse_url(url), poolclass=NullPool)
        with engine.connect() as connection:
            yield connection


@pytest.fixture
def ours(connection: Connection) -> Iterator[Schema]:
    """Ours as it is; what a test changes is taken back."""
    yield schema_of(connection)
    connection.rollback()


def contracted_since(revision: str) -> set[str]:
    """What the revisions after this one say of themselves: `CONTRACTS = {"orders.note"}`."""
    script = ScriptDirectory.from_config(schemas.config())
    newer = script.iterate_revisions("head", revision)
    return {name for each in newer for name in getattr(each.module, "CONTRACTS", ())}


def test_the_release_before_can_work_on_our_schema(
    postgres: Postgres, before: Release, revision_before: str, ours: Schema
) -> None:
    with fresh_database(postgres) as url:
        schema.migrate(url, to=revision_before)
        with schemas.connected(url) as connection:
            theirs = schema_of(connection)
    assert losses(theirs, ours, contracted=contracted_since(revision_before)) == []


def test_nothing_is_contracted_that_the_release_before_uses(before: Release, revision_before: str) -> None:
    asked = subprocess.run(before.asked(_USES), env=dict(before.environment), check=True, capture_output=True)  # noqa: S603
    uses = set(json.loads(asked.stdout))
    assert "orders.status" in uses
    assert not contracted_since(revision_before) & uses


def test_what_is_retired_can_be_left_out(ours: Schema) -> None:
    """Else this release could write no row beside it."""
    needed = {".".join(place) for place, column in ours.columns.items() if column.is_needed and not column.has_default}
    assert not tables.RETIRED & needed


def test_what_was_released_is_never_edited(before: Release) -> None:
    """Databases have it already: a change would reach some of them, and not the others."""
    for theirs in (before.folder / VERSIONS).glob("*.py"):
        assert (ROOT / VERSIONS / theirs.name).read_bytes() == theirs.read_bytes()


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE later (id UUID PRIMARY KEY, order_id UUID REFERENCES orders)",
        "ALTER TABLE orders ADD COLUMN note TEXT",
        "ALTER TABLE orders ADD COLUMN note TEXT NOT NULL DEFAULT '' CHECK (note <> 'no')",
        "ALTER TABLE orders ADD COLUMN note TEXT UNIQUE",
        "ALTER TABLE orders ALTER COLUMN customer_email TYPE VARCHAR(500)",
        "ALTER TABLE orders ALTER COLUMN customer_email TYPE TEXT",
        "ALTER TABLE orders ALTER COLUMN customer_email DROP NOT NULL",
        "ALTER TABLE orders DROP CONSTRAINT ck_orders_total_is_not_negative",
        f"{STATUS} CHECK (status IN ({STATUSES}, 'lost')) NOT VALID",
        "CREATE INDEX ix_later ON orders (customer_email)",
        "DROP INDEX ix_orders_principal_id",
    ],
)
def test_the_release_before_can_live_with(connection: Connection, ours: Schema, statement: str) -> None:
    connection.execute(text(statement))
    assert losses(ours, schema_of(connection)) == []


@pytest.mark.parametrize(
    ("statement", "loss"),
    [
        ("DROP TABLE uploads CASCADE", "uploads.claimed_at is gone"),
        ("ALTER TABLE uploads RENAME TO files", "uploads.claimed_at is gone"),
        ("ALTER TABLE orders DROP COLUMN reason", "orders.reason is gone"),
        ("ALTER TABLE orders RENAME COLUMN reason TO why", "orders.reason is gone"),
        ("ALTER TABLE orders ADD COLUMN note TEXT NOT NULL", "orders.note is new, has no default and may not be left"),
        ("ALTER TABLE orders ALTER COLUMN reason SET NOT NULL", "orders.reason: may not be left empty any more"),
        ("ALTER TABLE runs ALTER COLUMN tries DROP DEFAULT", "runs.tries: has no default any more"),
        ("ALTER TABLE orders ALTER COLUMN customer_email TYPE VARCHAR(100)", "orders.customer_email: was character"),
        ("ALTER TABLE runs ALTER COLUMN fence TYPE TEXT", "runs.fence: was integer and is text"),
        (f"{STATUS} CHECK (status IN ('pending', 'completed'))", "orders: new rule CHECK"),
        ("ALTER TABLE orders ADD CHECK (total_amount > 0)", "orders: new rule CHECK ((total_amount > 0))"),
        ("CREATE UNIQUE INDEX uq_later ON orders (customer_email)", "orders: new rule btree (customer_email)"),
        ("ALTER TABLE stock_holds ADD FOREIGN KEY (sku) REFERENCES products", "stock_holds: new rule FOREIGN KEY"),
        ("ALTER TABLE idempotency DROP CONSTRAINT pk_idempotency", "idempotency: lost unique btree (scope, key)"),
        (TRIGGER, "stock: new rule CREATE TRIGGER"),
    ],
)
def test_the_release_before_cannot_live_with(connection: Connection, ours: Schema, statement: str, loss: str) -> None:
    connection.execute(text(statement))
    assert any(found.startswith(loss) for found in losses(ours, schema_of(connection)))


def test_what_is_not_used_any_more_may_go(connection: Connection, ours: Schema) -> None:
    connection.execute(text("ALTER TABLE orders DROP COLUMN reason"))
    connection.execute(text("DROP TABLE uploads CASCADE"))
    assert losses(ours, schema_of(connection), contracted={"orders.reason", "uploads"}) == []
