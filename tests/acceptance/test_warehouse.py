"""A warehouse in trouble: its orders wait in the journal, are tried again, and in the end are undone."""

from pathlib import Path

from tests.harness.checker import REQUESTED, STEPS
from tests.harness.client import OrderRequest
from tests.harness.facts import Facts, StoredOrder, read_facts, read_order_runs
from tests.harness.orders import OrdersServer
from tests.harness.raw_server import nothing, raw_server
from tests.harness.receiver import (
    ACCEPT,
    CUT,
    ERROR,
    HANG,
    LOSE_REPLY,
    RESET,
    Answer,
    Behaviour,
    Delivery,
    always,
)
from tests.harness.stage import Stage, staged

ATTEMPTS = 8
TROUBLES = {"error": ERROR, "hang": HANG, "reset": RESET, "cut": CUT, "reply-lost": LOSE_REPLY}
STOCK = dict.fromkeys([*TROUBLES, "moved", "healthy"], 10)


async def test_orders_that_the_warehouse_never_confirms_are_undone(database_url: str, tmp_path: Path) -> None:
    """All troubles at once, an order each, and a healthy one beside them."""
    async with (
        raw_server(nothing) as trap,
        staged(database_url, tmp_path, stock=STOCK, fulfillment_timeout_seconds=0.2) as stage,
    ):
        moved = Answer(status=301, headers={"Location": f"http://127.0.0.1:{trap.port}/"})
        stage.receiver.behaviour = _by_sku({**TROUBLES, "moved": moved})
        async with stage.installation.serving("server", "pace=1e-4") as server:
            await _order(stage, server, *STOCK)
            await stage.until_settled()
        facts = read_facts(database_url)
        failed = {order.id for order in facts.orders.values() if "healthy" not in facts.lines[order.id]}
        assert stage.violations(excused=failed) == []
        assert {sku: shelf.available for sku, shelf in facts.stock.items()} == {**STOCK, "healthy": 9}
        assert trap.connects == 0
    for order in failed:
        _judge_failed(facts, facts.orders[order])


async def test_between_two_attempts_nobody_holds_the_run(tmp_path: Path) -> None:
    async with staged(f"sqlite:///{tmp_path / 'orders.db'}", tmp_path, stock=STOCK) as stage:
        stage.receiver.behaviour = always(ERROR)
        async with stage.installation.serving("server", "pace=1e9") as server:
            await _order(stage, server, "error")
            await stage.until_runs(lambda runs: runs[0].state == "waiting")
            [run] = read_order_runs(stage.database_url)
            assert run.owner is None
            [*_, last] = read_facts(stage.database_url).attempts[run.id]
            assert (last.step, last.number, last.outcome) == ("notify_warehouse", 1, "retry")


async def test_a_warehouse_that_recovers_gets_equal_requests(tmp_path: Path) -> None:
    async with staged(f"sqlite:///{tmp_path / 'orders.db'}", tmp_path, stock=STOCK) as stage:
        await _tried_three_times(stage)
        assert stage.violations() == []
        assert [request.number for request in stage.receiver.deliveries] == [1, 2, 3]  # of one webhook-id


async def test_a_new_id_for_each_attempt_is_noticed(tmp_path: Path) -> None:
    async with staged(f"sqlite:///{tmp_path / 'orders.db'}", tmp_path, stock=STOCK) as stage:
        await _tried_three_times(stage, "sends_new_ids")
        assert any("its requests differ in id or body" in violation for violation in stage.violations())


async def _tried_three_times(stage: Stage, *plants: str) -> None:
    failures = iter([ERROR, ERROR])
    stage.receiver.behaviour = lambda _: next(failures, ACCEPT)
    async with stage.installation.serving("server", "pace=1e-4", *plants) as server:
        await _order(stage, server, "error")
        await stage.until_settled()


async def _order(stage: Stage, server: OrdersServer, *skus: str) -> None:
    async with stage.client(server) as client:
        for sku in skus:
            assert (await client.place(OrderRequest(((sku, 1),)))).status == 201


def _by_sku(answers: dict[str, Answer]) -> Behaviour:
    """To requests; a cancellation is heard well."""

    def answer(delivery: Delivery) -> Answer:
        if delivery.event["type"] != REQUESTED:
            return ACCEPT
        return answers.get(delivery.event["data"]["items"][0]["sku"], ACCEPT)

    return answer


def _judge_failed(facts: Facts, order: StoredOrder) -> None:
    run = facts.runs[order.run_id]
    assert (order.status, run.state) == ("failed", "failed")
    assert order.reason
    assert order.reason == run.reason
    tried = facts.attempts[order.run_id]
    outcomes = [each.outcome for each in tried if (each.step, each.kind) == (STEPS[-1], "do")]
    assert outcomes == ["retry"] * (ATTEMPTS - 1) + ["failed"]
    undos = [(each.step, each.outcome) for each in tried if each.kind == "undo"]
    undone = [each for each in undos if each[1] != "retry"]  # the warehouse may be slow to hear a cancellation, too
    assert undone == [("notify_warehouse", "success"), ("reserve_stock", "success")]
