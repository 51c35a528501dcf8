"""What a claim would cost if `runs` had a partition for each day: the journal's own claim, on one table and on many.

python -m tests.benchmarks.partitions, on a PostgreSQL of its own. Each journal holds as many runs that are due as one
claim takes, all of the youngest day, and ended runs in all days. Claims take turns and are rolled back. "found" is only
the look for what is due, without the UPDATE. Medians.
"""

import argparse
import time
from collections import defaultdict
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from statistics import median
from uuid import UUID

from sqlalchemy import text

from pipelines import RunState
from pipelines.journal.tables import CLAIMABLE
from tests.benchmarks.claims import AT_ONCE, VERSION, Journal, add, journal, place_of, settle
from tests.benchmarks.orders import say
from tests.benchmarks.stage import stage
from tests.harness.postgres import OwnPostgres

_INDEXES = "SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 'runs'::regclass AND NOT indisunique"
_CUT = """
ALTER TABLE runs RENAME TO whole;
CREATE TABLE runs (LIKE whole INCLUDING DEFAULTS, PRIMARY KEY (id)) PARTITION BY RANGE (id);
DROP TABLE whole;
CREATE TABLE runs_default PARTITION OF runs DEFAULT
"""
_DAY = "CREATE TABLE runs_{} PARTITION OF runs FOR VALUES FROM ('{}') TO ('{}')"
_LOOK = text(
    f"SELECT id FROM runs WHERE {CLAIMABLE} AND due_at <= now() AND crashes < 2 AND priority = 1 "  # noqa: S608 - ours
    f"AND (pipeline, version) IN (('trip', '1')) ORDER BY due_at, id LIMIT {AT_ONCE} FOR NO KEY UPDATE SKIP LOCKED"
)


def cut(whole: Journal, days: int, a_day: int) -> None:
    """An empty `runs` becomes one of so many parts, by the ids that its ended runs will have, and one for all else."""
    first = place_of(RunState.COMPLETED, VERSION) + 1
    bounds = [UUID(int=first + day * a_day) for day in range(days + 1)]
    with whole.connection.begin():
        indexes = whole.connection.exec_driver_sql(_INDEXES).scalars().all()
        days_of_it = [_DAY.format(*each) for each in zip(range(days), bounds, bounds[1:], strict=False)]
        for statement in (*_CUT.split(";"), *days_of_it, *indexes):
            whole.connection.exec_driver_sql(statement)


def fill(each: Journal, ended: int) -> None:
    add(each, ended, state=RunState.COMPLETED)
    add(each, AT_ONCE, state=RunState.READY, due_in=timedelta(seconds=-1))
    settle(each)


def found_seconds(each: Journal) -> float:
    with each.connection.begin() as transaction:
        started = time.perf_counter()
        rows = each.connection.execute(_LOOK).all()
        took = time.perf_counter() - started
        transaction.rollback()
    assert len(rows) == AT_ONCE
    return took


def compare(options: argparse.Namespace, postgres: OwnPostgres, parent: Path) -> None:
    with ExitStack() as stack:
        one, many = (journal(stack, "postgresql", postgres, parent) for _ in range(2))
        cut(many, options.days, options.a_day)
        for each in (one, many):
            fill(each, options.days * options.a_day)
        took = defaultdict[str, list[float]](list)
        for _ in range(options.rounds):
            for name, each in {"one table": one, f"{options.days + 1} parts": many}.items():
                took[f"{name} | a claim, as it is written"].append(each.claim_seconds())
                took[f"{name} | found"].append(found_seconds(each))
    say(f"| runs in | | ms, for {AT_ONCE} runs |\n|---|---|---:|")
    for name, seconds in sorted(took.items()):
        say(f"| {name} | {1000 * median(seconds):.2f} |")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.partitions", description=__doc__)
    parser.add_argument("--days", type=int, default=31)
    parser.add_argument("--a-day", type=int, default=10_000, help="ended runs of each day")
    parser.add_argument("--rounds", type=int, default=100)
    chosen = parser.parse_args()
    with stage() as (postgres, place):
        compare(chosen, postgres, place)


if __name__ == "__main__":
    main()
