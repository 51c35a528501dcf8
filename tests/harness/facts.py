"""What the final database says, read once and for all after the servers have ended: the only SQL of the checker."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, MetaData, Row, Table, create_engine, select, text

from orders_service.orders import fulfill_order

_ORPHANS = text("SELECT count(*) FROM order_lines WHERE order_id NOT IN (SELECT id FROM orders)")


@dataclass(frozen=True)
class StoredOrder:
    id: str
    status: str
    run_id: str
    reason: str | None = None


@dataclass(frozen=True)
class StoredRun:
    id: str
    pipeline: str
    state: str
    generation: int
    crashes: int = 0
    owner: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class StoredAttempt:
    run_id: str
    generation: int
    step: str
    kind: str
    number: int
    outcome: str
    started_at: float
    finished_at: float


@dataclass(frozen=True)
class StoredAnswer:
    """What the service remembers under an Idempotency-Key."""

    key: str
    status: int
    body: bytes


@dataclass(frozen=True)
class Shelf:
    available: int
    reserved: int
    consumed: int = 0


Lines = dict[str, int]  # quantities by SKU


@dataclass(frozen=True)
class Facts:
    """Ids are strings of one form, whatever the database makes of them; times are Unix seconds."""

    orders: dict[str, StoredOrder]
    lines: dict[str, Lines]  # by order
    holds: dict[str, Lines]  # by order
    stock: dict[str, Shelf]
    runs: dict[str, StoredRun]
    attempts: dict[str, list[StoredAttempt]]  # by run, as they were finished
    answers: list[StoredAnswer]
    damage: list[str]


def read_facts(database_url: str) -> Facts:
    """Read everything that the checks want, in one transaction."""
    with _connected(database_url) as connection:
        return _facts(connection, damage=_damage(connection))


def read_runs(database_url: str) -> list[StoredRun]:
    with reading_runs(database_url) as read:
        return read()


def read_order_runs(database_url: str) -> list[StoredRun]:
    """The runs that fulfill orders; mails and schedules have others, which may begin at any time."""
    return fulfilling(read_runs(database_url))


def fulfilling(runs: Iterable[StoredRun]) -> list[StoredRun]:
    return [run for run in runs if run.pipeline == fulfill_order.name]


@contextmanager
def reading_runs(database_url: str) -> Iterator[Callable[[], list[StoredRun]]]:
    """To be asked again and again while servers are at work: over one connection, each time anew."""
    with _connected(database_url) as connection:

        def read() -> list[StoredRun]:
            with connection.begin():
                return _runs(connection)

        yield read


def read_dead_pids(database_url: str) -> set[int]:
    """The processes whose lease was found to have run out, or which have left."""
    with _connected(database_url) as connection:
        return set(connection.execute(text("SELECT pid FROM processes WHERE state = 'dead'")).scalars())


@contextmanager
def _connected(database_url: str) -> Iterator[Connection]:
    engine = create_engine(database_url)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _runs(connection: Connection) -> list[StoredRun]:
    statement = text("SELECT id, pipeline, state, generation, crashes, owner, reason FROM runs")
    return [
        StoredRun(_id(r.id), r.pipeline, r.state, r.generation, r.crashes, _id(r.owner) if r.owner else None, r.reason)
        for r in connection.execute(statement)
    ]


def _facts(connection: Connection, *, damage: list[str]) -> Facts:
    orders = [StoredOrder(_id(r.id), r.status, _id(r.run_id), r.reason) for r in _rows(connection, "orders")]
    runs = _runs(connection)
    return Facts(
        orders={order.id: order for order in orders},
        lines=_by_order(_rows(connection, "order_lines")),
        holds=_by_order(_rows(connection, "stock_holds")),
        stock={r.sku: Shelf(r.available, r.reserved, r.consumed) for r in _rows(connection, "stock")},
        runs={run.id: run for run in runs},
        attempts=_by_run([_attempt(r) for r in _rows(connection, "attempts")]),
        answers=[StoredAnswer(r.key, r.status, r.body.encode()) for r in _rows(connection, "idempotency")],
        damage=damage,
    )


def _rows(connection: Connection, table: str) -> list[Row[Any]]:
    return list(connection.execute(select(Table(table, MetaData(), autoload_with=connection, resolve_fks=False))))


def _attempt(row: Row[Any]) -> StoredAttempt:
    started, finished = _seconds(row.started_at), _seconds(row.finished_at)
    return StoredAttempt(
        _id(row.run_id), row.generation, row.step, row.kind, row.number, row.outcome, started, finished
    )


def _by_order(rows: list[Row[Any]]) -> dict[str, Lines]:
    orders: dict[str, Lines] = {}
    for row in rows:
        orders.setdefault(_id(row.order_id), {})[row.sku] = row.quantity
    return orders


def _by_run(attempts: list[StoredAttempt]) -> dict[str, list[StoredAttempt]]:
    runs: dict[str, list[StoredAttempt]] = {}
    for attempt in sorted(attempts, key=lambda attempt: (attempt.finished_at, attempt.started_at)):
        runs.setdefault(attempt.run_id, []).append(attempt)
    return runs


def _id(stored: object) -> str:
    """SQLite keeps 32 digits, PostgreSQL a UUID, and JSON has dashes."""
    return str(UUID(str(stored)))


def _seconds(stored: datetime) -> float:
    return (stored if stored.tzinfo else stored.replace(tzinfo=UTC)).timestamp()


def _damage(connection: Connection) -> list[str]:
    """What the database finds wrong with itself."""
    if connection.dialect.name == "sqlite":
        found = [str(row[0]) for row in connection.execute(text("PRAGMA integrity_check")) if row[0] != "ok"]
        return found + [f"foreign key: {row}" for row in connection.execute(text("PRAGMA foreign_key_check"))]
    # Every page was read by now or will be for the facts, and has a checksum; the wheel comes without amcheck.
    orphans = connection.execute(_ORPHANS).scalar_one()
    return [f"{orphans} lines without an order"] if orphans else []
