"""A whole round with the real service: what the harness gathers convinces the checker."""

import json
from pathlib import Path

from tests.harness.checker import Evidence, read_mailbox, violations
from tests.harness.client import Client, OrderRequest
from tests.harness.facts import read_facts
from tests.harness.ledger import entries
from tests.harness.orders import ADMIN_KEY, SECRET, Installation
from tests.harness.receiver import webhook_receiver

_STOCK = {"lamp": 1000, "rug": 1000}
_CATALOG = [
    {"sku": sku, "name": sku, "price": {"amount": 1999, "currency": "EUR"}, "available": count}
    for sku, count in _STOCK.items()
]


async def test_orders_that_went_well_break_no_promise(database_url: str, tmp_path: Path) -> None:
    orders = [OrderRequest((("lamp", 1), ("rug", 2))) for _ in range(20)]
    async with webhook_receiver(SECRET, tmp_path / "receiver") as receiver:
        installation = Installation(database_url=database_url, folder=tmp_path, fulfillment_url=receiver.url)
        await installation.prepare(json.dumps(_CATALOG))
        async with installation.serving() as server:
            async with Client([server.url], ADMIN_KEY, tmp_path / "client") as client:
                await client.place_all(orders, connections=8)
            await receiver.until_accepted(len(orders))
            server.terminate()
            assert (await server.until_exit()).code == 0
    evidence = Evidence(
        facts=read_facts(database_url),
        client=entries(tmp_path / "client"),
        receiver=entries(tmp_path / "receiver"),
        mails=read_mailbox(tmp_path / "mailbox"),
        initial_stock=_STOCK,
    )
    assert violations(evidence) == []
    assert len(evidence.facts.orders) == len(orders)
