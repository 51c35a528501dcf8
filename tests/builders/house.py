"""Moving a journal in one process, and looking at both ends of the way."""

from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import text
from uuid_utils.compat import uuid7

from orders_service import moving, schema
from pipelines import JournalMoved
from pipelines.journal import closing, open_for_writing, parse_url
from pipelines.journal.closing import Closing
from pipelines.journal.moving import Came, spoken
from tests.harness import schemas

A_PROCESS = """INSERT INTO processes (id, host, pid, state, started_at, lease_until, commit_seq)
    VALUES ('00000000000000000000000000000001', 'here', 1, 'dead', '2026-11-28 12:00:00', '2026-11-28 12:00:15', 1)"""
A_PRODUCT = "INSERT INTO products (sku, name, price_amount, price_currency) VALUES ('mug', 'Mug', 1999, 'EUR')"


def execute(url: str, *statements: str) -> None:
    with schemas.connected(url) as connection:
        for statement in statements:
            connection.execute(text(statement))


def rows_in(url: str, table: str) -> int:
    with schemas.connected(url) as connection:
        return int(connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0)  # noqa: S608


def move(source: str, target: str, tell: Callable[[Came], None] = lambda _: None) -> moving.Outcome:
    return moving.move(source, target, tell=tell)


def look(source: str, target: str) -> moving.Outcome:
    return moving.move(source, target, tell=lambda _: None, only_look=True)


def is_open(source: str) -> bool:
    try:
        schema.check(source)
    except JournalMoved:
        return False
    return True


def half_moved(source: str, target: str) -> None:
    """As after a death between closing the file and COMMIT."""
    engine = open_for_writing(source)
    closing.close(engine, Closing(uuid7(), source, spoken(parse_url(target)), datetime.now(UTC)))
    engine.dispose()


def at(word: str, act: Callable[[], None]) -> Callable[[Came], None]:
    return lambda came: act() if came.to == word else None
