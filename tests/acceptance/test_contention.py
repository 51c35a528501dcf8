"""Many orders for few units: exactly as many are completed as there are, and nobody waits in a circle."""

from collections import Counter
from pathlib import Path

import psycopg
import pytest

from tests.harness.client import OrderRequest
from tests.harness.facts import Shelf, read_facts
from tests.harness.orders import OrdersServer
from tests.harness.postgres import Postgres, fresh_database
from tests.harness.stage import Stage, staged, until

CONNECTIONS = 32
BOTH = (("lamp", 1), ("rug", 1))

_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
_DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


def holding(units: int) -> dict[str, int]:
    return {"lamp": units, "rug": units}


async def test_three_processes_never_oversell_and_never_deadlock(postgres: Postgres, tmp_path: Path) -> None:
    with fresh_database(postgres) as url:
        async with staged(url, tmp_path, stock=holding(100)) as stage:
            serving, working = stage.installation.serving, stage.installation.playing("worker").serving
            accepting = stage.installation.playing("api").serving
            async with serving("one") as one, accepting("other") as other, working("third"):
                await _order_in_both_directions(1000, stage, one, other)
            _judge(stage, completed=100, rejected=900)
        with psycopg.connect(url) as database:  # the servers have ended, so all they counted has been reported
            assert database.execute(_DEADLOCKS).fetchone() == (0,)


async def test_one_process_never_oversells(tmp_path: Path) -> None:
    async with staged(f"sqlite:///{tmp_path / 'orders.db'}", tmp_path, stock=holding(30)) as stage:
        async with stage.installation.serving() as server:
            await _order_in_both_directions(300, stage, server)
        _judge(stage, completed=30, rejected=270)


async def test_a_guard_that_was_forgotten_is_noticed(tmp_path: Path) -> None:
    async with staged(f"sqlite:///{tmp_path / 'orders.db'}", tmp_path, stock={"lamp": 1}) as stage:
        async with stage.installation.serving("server", "oversells") as server, stage.client(server) as client:
            await client.place_all([OrderRequest((("lamp", 1),)) for _ in range(2)], connections=2)
            await stage.until_settled()
        assert any("no fault explains it" in violation for violation in stage.violations())  # the CHECK stood


@pytest.mark.parametrize("lines", [BOTH, BOTH[::-1]])
async def test_rows_are_locked_in_one_order_whatever_the_client_sends(
    postgres: Postgres, tmp_path: Path, lines: tuple[tuple[str, int], ...]
) -> None:
    with fresh_database(postgres) as url:
        async with staged(url, tmp_path, stock=holding(1)) as stage, stage.installation.serving() as server:
            with psycopg.connect(url) as first, psycopg.connect(url, autocommit=True) as other:
                first.execute("SELECT 1 FROM stock WHERE sku = 'lamp' FOR UPDATE")
                async with stage.client(server) as client:
                    await client.place(OrderRequest(lines))
                await until(lambda: other.execute(_WAITING).fetchone() == (1,))
                other.execute("SELECT 1 FROM stock WHERE sku = 'rug' FOR UPDATE NOWAIT")  # it raises if it is locked
            await stage.until_settled()
        assert stage.violations() == []


async def _order_in_both_directions(orders: int, stage: Stage, *servers: OrdersServer) -> None:
    async with stage.client(*servers) as client:
        requests = [OrderRequest(BOTH[:: 1 if number % 2 else -1]) for number in range(orders)]
        heard = await client.place_all(requests, connections=CONNECTIONS, until_answered=True)
        assert {each.status for each in heard} == {201}
        await stage.until_settled()


def _judge(stage: Stage, *, completed: int, rejected: int) -> None:
    facts = read_facts(stage.database_url)
    assert stage.violations() == []
    assert Counter(order.status for order in facts.orders.values()) == {"completed": completed, "rejected": rejected}
    reasons = {order.reason for order in facts.orders.values() if order.status == "rejected"}
    assert all(reason and reason.startswith("out of stock: ") for reason in reasons)
    assert facts.stock == dict.fromkeys(stage.stock, Shelf(0, completed))
