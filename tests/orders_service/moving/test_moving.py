"""`orders journal move`: what arrives, what is refused, and where the journal may be served from afterwards."""

from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import IntegrityError
from sqlmodel import SQLModel

from orders_service import schema
from pipelines import AlreadyServed, JournalMoved, NotMoved
from pipelines.journal import lock_of, parse_url
from pipelines.journal.moving import Came
from tests.builders.full_house import ROWS, contents, fill
from tests.builders.house import A_PROCESS, A_PRODUCT, execute, is_open, look, move, rows_in
from tests.harness import schemas
from tests.harness.postgres import Postgres, fresh_database

WRITTEN_BY_THE_MOVE = {"interventions": 1, "audit_entries": 1}


def test_every_column_of_every_table_arrives(empty: str, target: str) -> None:
    tables = SQLModel.metadata.sorted_tables
    assert {table.name for table in tables} == schemas.table_names(empty)
    with schemas.connected(empty) as connection:
        fill(connection, tables)
        sent = {table.name: contents(connection, table) for table in tables}
    assert {len(rows) for rows in sent.values()} == {ROWS}
    outcome = move(empty, target)
    with schemas.connected(target) as connection:
        for table in tables:
            there = contents(connection, table)
            assert [row for row in sent[table.name] if row not in there] == []
            assert len(there) == ROWS + WRITTEN_BY_THE_MOVE.get(table.name, 0)
    assert outcome.rows == dict.fromkeys(sent, ROWS)


def test_a_look_counts_and_writes_nothing(source: str, postgres: Postgres) -> None:
    execute(source, "INSERT INTO stock (sku, available, reserved) VALUES ('mug', 7, 1)", "CREATE TABLE notes (id INT)")
    with fresh_database(postgres) as bare:
        looked = look(source, bare)
        assert schemas.table_names(bare) == set()
    assert (looked.moved, looked.rows["products"], looked.rows["orders"]) == (None, 1, 0)
    assert looked.remarks == (
        "Not of this service, and left behind: notes.",
        "The stock of mug does not add up: it moves as it is.",
    )
    assert is_open(source)


def test_whoever_has_moved_is_in_the_audit(source: str, target: str) -> None:
    move(source, target)
    with schemas.connected(target) as connection:
        [entry] = connection.execute(text("SELECT actor, action, before, after FROM audit_entries")).all()
    assert entry[:2] == ("orders journal move", "journal_moved")
    assert (entry.before["database"], entry.after["rows"]) == (source, 1)


def test_after_the_move_no_process_of_any_release_enters_the_file(source: str, target: str) -> None:
    move(source, target)
    with pytest.raises(JournalMoved, match=r"has moved to postgresql://\S+\. Serve from there\."):
        schema.check(source)
    with pytest.raises(IntegrityError, match="This journal moves to postgresql://"):  # as older ones begin, too
        execute(source, A_PROCESS)


def test_a_move_that_is_made_again_changes_nothing(source: str, target: str) -> None:
    first = move(source, target)
    execute(target, A_PRODUCT.replace("'mug'", "'cup'"))
    again = move(source, target)
    assert first.moved is not None
    assert again.moved is not None
    assert (again.moved.id, again.rows, again.remarks) == (first.moved.id, {}, ())
    assert rows_in(target, "products") == 2


@pytest.mark.parametrize(
    ("here", "there", "said"),
    [
        ("postgresql://a@/b", "sqlite:///x.db", "no way from PostgreSQL to SQLite"),
        ("postgresql://a@/b", "postgresql://a@/c", "pg_dump"),
        ("sqlite:///x.db", "sqlite:///x.db", "`cp`"),
        ("sqlite://", "postgresql://a@/b", "no database None"),
        ("sqlite:////nowhere/orders.db", "postgresql://a@/b", "no database /nowhere/orders.db"),
    ],
)
def test_a_way_that_there_is_not_is_refused(here: str, there: str, said: str) -> None:
    with pytest.raises(NotMoved, match=said):
        move(here, there)
    assert not Path("/nowhere").exists()


def test_a_file_that_is_served_is_refused(source: str, target: str) -> None:
    lock = lock_of(parse_url(source))
    assert lock is not None
    lock.acquire()
    with pytest.raises(AlreadyServed):
        move(source, target)
    lock.release()


@pytest.mark.parametrize(("revision", "way"), [("0011", "Run: orders migrate"), ("9999", "Move it with")])
def test_a_schema_of_another_release_is_refused(source: str, target: str, revision: str, way: str) -> None:
    execute(source, f"UPDATE alembic_version SET version_num = '{revision}'")  # noqa: S608
    with pytest.raises(NotMoved, match=rf"at revision {revision}, and this release moves \w+\. {way}"):
        move(source, target)


def test_a_target_with_anything_in_it_is_refused(source: str, target: str) -> None:
    execute(target, A_PRODUCT, A_PROCESS)
    with pytest.raises(NotMoved, match="not empty: there are rows in processes, products"):
        move(source, target)
    assert is_open(source)


def test_a_row_that_the_target_would_not_take_is_named_before_anything_happens(source: str, target: str) -> None:
    execute(source, A_PRODUCT.replace("'mug'", "'nul'").replace("'Mug'", "'a' || char(0)"))
    with pytest.raises(NotMoved, match="The row of products with sku 'nul': name has a NUL character"):
        move(source, target)
    assert is_open(source)
    assert rows_in(target, "products") == 0


def test_a_role_that_may_write_no_rows_is_refused_in_words_and_more_it_need_not_do(source: str, target: str) -> None:
    execute(target, "CREATE ROLE nobody_much LOGIN PASSWORD 'x'")
    weak = make_url(target).set(username="nobody_much", password="x").render_as_string(hide_password=False)
    with pytest.raises(NotMoved, match=r"A database refuses: permission denied for \w+ \w+\. Nothing has moved\."):
        move(source, weak)
    assert is_open(source)
    execute(target, "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO nobody_much")
    assert move(source, weak).rows["products"] == 1
    execute(target, "DROP OWNED BY nobody_much", "DROP ROLE nobody_much")


def test_a_connection_that_is_lost_in_the_middle_leaves_all_as_it_was(source: str, target: str) -> None:
    def cut(came: Came) -> None:
        if came == Came("copied", "products", 1, 1):
            assert not is_open(source)
            with psycopg.connect(target, autocommit=True) as other:
                other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )

    with pytest.raises(NotMoved, match=r"the connection is lost\. Nothing has moved\."):
        move(source, target, cut)
    assert is_open(source)
    assert rows_in(target, "products") == 0
    assert move(source, target).rows["products"] == 1


def test_what_arrives_otherwise_than_it_was_sent_does_not_stay(source: str, target: str) -> None:
    garble = """CREATE FUNCTION garble() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN NEW.name = NEW.name || ''!''; RETURN NEW; END'"""
    execute(target, garble, "CREATE TRIGGER t BEFORE INSERT ON products FOR EACH ROW EXECUTE FUNCTION garble()")
    with pytest.raises(NotMoved, match="products: 1 rows have arrived of 1, or say something else"):
        move(source, target)
    execute(target, "DROP TRIGGER t ON products", "DROP FUNCTION garble")
    assert is_open(source)
    assert rows_in(target, "products") == 0
