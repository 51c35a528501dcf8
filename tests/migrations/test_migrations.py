import psycopg
import pytest
from sqlalchemy import text

from orders_service import schema, tables
from tests.harness import schemas
from tests.harness.postgres import Postgres, fresh_database

EACH = schemas.revisions()


def test_there_is_one_head() -> None:
    assert schema.head() == EACH[-1]


def test_the_models_and_the_migrated_schema_are_one(database_url: str) -> None:
    schema.migrate(database_url)
    schemas.check(database_url)


def test_a_difference_between_models_and_schema_would_be_found(database_url: str) -> None:
    schema.migrate(database_url)
    with schemas.connected(database_url) as connection:
        connection.execute(text("ALTER TABLE products ADD COLUMN colour VARCHAR(10)"))
    with pytest.raises(Exception, match="colour"):
        schemas.check(database_url)


def test_what_is_retired_is_no_difference(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    schema.migrate(database_url)
    monkeypatch.setattr(tables, "RETIRED", frozenset({"products.colour", "paints"}))
    with schemas.connected(database_url) as connection:
        connection.execute(text("ALTER TABLE products ADD COLUMN colour VARCHAR(10)"))
        connection.execute(text("CREATE TABLE paints (colour VARCHAR(10))"))
    schemas.check(database_url)


@pytest.mark.parametrize("revision", EACH)
def test_each_revision_leads_forth_and_back_and_forth_again(database_url: str, revision: str) -> None:
    schema.migrate(database_url, to=revision)
    there = schemas.shape(database_url)
    schema.migrate(database_url, to="-1")
    assert schemas.shape(database_url) != there
    schema.migrate(database_url, to=revision)
    assert schemas.shape(database_url) == there


ROWS = (
    "INSERT INTO products (sku, name, price_amount, price_currency) VALUES ('mug', 'Mug', 1999, 'EUR')",
    "INSERT INTO stock (sku, available, reserved) VALUES ('mug', 7, 1)",
    """INSERT INTO orders (id, principal, status, customer_email, total_amount, total_currency, shipping_address,
    created_at, run_id) VALUES ('00000000000000000000000000000001', 'ada', 'pending', 'ada@example.com', 1999, 'EUR',
    '{}', '2026-11-21 12:00:00', '00000000000000000000000000000002')""",
    """INSERT INTO order_lines (order_id, sku, place, quantity, price_amount)
    VALUES ('00000000000000000000000000000001', 'mug', 0, 1, 1999)""",
)


def test_the_first_schema_leaves_in_an_order_that_its_rows_allow(database_url: str) -> None:
    schema.migrate(database_url, to=EACH[0])
    with schemas.connected(database_url) as connection:
        for row in ROWS:
            connection.execute(text(row))
    schema.migrate(database_url, to="base")
    assert schemas.table_names(database_url) == set()


def test_rows_of_the_first_schema_survive_all_later_ones(database_url: str) -> None:
    schema.migrate(database_url, to=EACH[0])
    with schemas.connected(database_url) as connection:
        for row in ROWS:
            connection.execute(text(row))
    schema.migrate(database_url)
    with schemas.connected(database_url) as connection:
        counts = [connection.scalar(text(f"SELECT count(*) FROM {table}")) for table in ("orders", "stock")]  # noqa: S608
    assert counts == [1, 1]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE stock SET available = -1",
        "UPDATE stock SET reserved = -1",
        "UPDATE orders SET status = 'lost'",
        "UPDATE orders SET total_amount = -1",
        "UPDATE order_lines SET quantity = 0",
        "UPDATE order_lines SET order_id = '00000000000000000000000000000009'",
        "UPDATE stock SET sku = 'nothing'",
    ],
)
def test_the_database_itself_refuses_what_must_never_be(database_url: str, statement: str) -> None:
    schema.migrate(database_url)
    with schemas.connected(database_url) as connection:
        for row in ROWS:
            connection.execute(text(row))
        connection.commit()
        with pytest.raises(Exception, match=r"(?i)constraint"):
            connection.execute(text(statement))
        connection.rollback()


def test_every_constraint_has_a_name(database_url: str) -> None:
    schema.migrate(database_url)
    with schemas.connected(database_url) as connection:
        unnamed = [name for name in schemas.constraints(connection) if not name]
    assert not unnamed


def test_the_statements_can_be_run_by_hand(postgres: Postgres) -> None:
    with fresh_database(postgres) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in schemas.rendered().split(";\n"):  # one by one, as psql sends them
                connection.execute(statement.encode())
        schema.check(url)
        schemas.check(url)
