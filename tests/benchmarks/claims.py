"""What a claim costs in a journal with a long history, against an empty one: the same claim, in turns.

Both hold as many runs that are due as one claim takes; the full one holds finished and waiting runs besides. Each claim
is rolled back, so that the next one finds the same. Medians of the time from the first statement to the last answer.
"""

import argparse
import time
from collections.abc import Container, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Engine, Integer, func, insert, literal, select, type_coerce
from sqlalchemy.types import Uuid

from pipelines import Pipeline, RunState, Transaction
from pipelines.clock import Clock, SystemClock
from pipelines.journal import claiming, open_for_writing
from pipelines.journal.tables import attempts, runs
from pipelines.run import AttemptOutcome, Direction
from pipelines.testing import create_tables
from tests.benchmarks.orders import DATABASES, ground, say
from tests.benchmarks.stage import stage
from tests.harness.postgres import OwnPostgres

AT_ONCE = 64
PIPELINE, VERSION = "trip", "1"
KNOWN: claiming.Known = {(PIPELINE, VERSION): Pipeline(PIPELINE, dict)}
HEAD = (
    "| database | finished | waiting | due, of unknown version | claim ms | times the empty one |\n"
    "|---|---:|---:|---:|---:|---:|"
)


@dataclass
class Claimant:
    """As much of a process as a claim asks for."""

    process_id: UUID = field(default_factory=uuid4)
    clock: Clock = field(default_factory=SystemClock)
    pauses: Container[str] = ()
    known: Container[tuple[str, str]] = ()

    def take_slot(self) -> bool:
        return False

    def give_back_slot(self) -> None:
        pass


@dataclass(frozen=True)
class Journal:
    """A journal that is filled, and the connection that claims from it."""

    engine: Engine
    connection: Connection

    def claim_seconds(self) -> float:
        with self.connection.begin() as transaction:
            tx = Transaction(self.connection, Claimant())
            started = time.perf_counter()
            found = claiming.claim(tx, KNOWN, AT_ONCE)
            took = time.perf_counter() - started
            tx.close()
            transaction.rollback()
        assert len(found) == AT_ONCE
        return took


def compare(options: argparse.Namespace, postgres: OwnPostgres, parent: Path) -> None:
    say(HEAD)
    for database in options.databases:
        with ExitStack() as stack:
            empty, full = (journal(stack, database, postgres, parent) for _ in range(2))
            add(full, options.finished, state=RunState.COMPLETED)
            add_attempts(full)
            add(full, options.waiting, state=RunState.WAITING, due_in=timedelta(days=1))
            for each in (empty, full):
                add(each, AT_ONCE, state=RunState.READY, due_in=timedelta(seconds=-1))
                settle(each)
            tell(database, options, empty, full, unknown=0)
            add(full, options.waiting, state=RunState.READY, due_in=timedelta(hours=-1), version="2")
            settle(full)
            tell(database, options, empty, full, unknown=options.waiting)


def tell(database: str, options: argparse.Namespace, empty: Journal, full: Journal, *, unknown: int) -> None:
    took: Mapping[str, list[float]] = {"empty": [], "full": []}
    for _ in range(options.rounds):
        took["empty"].append(empty.claim_seconds())
        took["full"].append(full.claim_seconds())
    without, within = (1000 * median(took[name]) for name in ("empty", "full"))
    if not unknown:
        say(f"| {database} | 0 | 0 | 0 | {without:.2f} | 1 |")
    say(
        f"| {database} | {options.finished:,} | {options.waiting:,} | {unknown:,} "
        f"| {within:.2f} | {within / without:.2f} |"
    )


def journal(stack: ExitStack, database: str, postgres: OwnPostgres, parent: Path) -> Journal:
    url = stack.enter_context(ground(database, postgres, parent)).url
    create_tables(url)
    engine = open_for_writing(url)
    stack.callback(engine.dispose)
    connection = engine.connect()
    stack.callback(connection.close)
    return Journal(engine, connection)


def add(to: Journal, number: int, *, state: RunState, due_in: timedelta = timedelta(0), version: str = VERSION) -> None:
    """Rows made by the database itself, which is the only quick way to a million of them."""
    now = SystemClock().now()
    is_over = state.is_terminal
    row: dict[str, Any] = {
        "pipeline": PIPELINE,
        "version": version,
        "state": state,
        "step": "go",
        "fence": 1,
        "due_at": now + due_in,
        "generation": 0,
        "attempt": 0,
        "errors": 0,
        "crashes": 0,
        "solo": False,
        "solo_deaths": 0,
        "payload": '{"order_id": "019aa5d7-0000-7000-8000-000000000000", "lines": [{"sku": "lamp", "quantity": 1}]}',
        "created_at": now,
        "step_since": now,
    } | ({"finished_at": now} if is_over else {})
    numbers = select(literal(1, Integer).label("number")).cte("numbers", recursive=True)
    numbers = numbers.union_all(select(numbers.c.number + 1).where(numbers.c.number < number))
    columns = [literal(value, runs.c[name].type).label(name) for name, value in row.items()]
    chosen = select(_id_of(to.engine, place_of(state, version), numbers.c.number).label("id"), *columns)
    with to.connection.begin():
        unhurried(to.connection)
        to.connection.execute(insert(runs).from_select(["id", *row], chosen))


def add_attempts(to: Journal) -> None:
    """One for each run."""
    row = {
        "generation": 0,
        "step": "go",
        "kind": Direction.DO,
        "number": 1,
        "outcome": AttemptOutcome.SUCCESS,
        "started_at": SystemClock().now(),
        "finished_at": SystemClock().now(),
    }
    columns = [literal(value, attempts.c[name].type).label(name) for name, value in row.items()]
    with to.connection.begin():
        unhurried(to.connection)
        to.connection.execute(insert(attempts).from_select(["run_id", *row], select(runs.c.id, *columns)))


def settle(each: Journal) -> None:
    """As the database stands when it has come to rest."""
    with each.connection.begin():
        unhurried(each.connection)
        each.connection.exec_driver_sql("ANALYZE")


def unhurried(connection: Connection) -> None:
    """The journal's own time limits are for orders, not for a million rows."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        connection.exec_driver_sql("SET LOCAL transaction_timeout = 0")


def place_of(state: RunState, version: str) -> int:
    """Keeps the ids of different kinds of runs apart."""
    return 10_000_000 * (1 + list(RunState).index(state)) + (1_000_000_000 if version != VERSION else 0)


def _id_of(engine: Engine, start: int, number: Any) -> Any:
    if engine.dialect.name == "sqlite":
        return type_coerce(func.printf("%032x", number + start), Uuid())
    return func.lpad(func.to_hex(number + start), 32, "0").cast(Uuid())


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.claims", description=__doc__)
    parser.add_argument("--finished", type=int, default=1_000_000)
    parser.add_argument("--waiting", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--database", dest="databases", nargs="+", choices=DATABASES, default=DATABASES)
    return parser.parse_args()


def main() -> None:
    chosen = options()
    with stage() as (postgres, place):
        compare(chosen, postgres, place)


if __name__ == "__main__":
    main()
