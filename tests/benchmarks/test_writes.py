"""The benchmark runs, and what it counts of an order is what the design says an order writes."""

import argparse
from pathlib import Path

from tests.benchmarks.writes import account
from tests.harness.postgres import own_postgres

ORDERS = 20


async def test_an_order_is_a_row_of_each_and_one_attempt_at_each_step(tmp_path: Path) -> None:
    few = argparse.Namespace(apart=False, warm_up=0, most=0, slow=0, connections=[4], orders=ORDERS)
    with own_postgres() as postgres:  # nobody keeps connections to it, and it tells what it counts
        found = await account(postgres, few, tmp_path)
    tables = found.total.tables
    for name in ("orders", "idempotency"):
        assert tables[name].inserted == ORDERS
    assert tables["orders"].updated == ORDERS
    for count in (tables["attempts"].inserted, tables["runs"].updated):
        assert 4 * ORDERS <= count < 5 * ORDERS  # of a run that some schedule has started, too
    [load] = found.stretches
    assert load.cost.commits > 0
    assert 2_000 < load.wal < 200_000
