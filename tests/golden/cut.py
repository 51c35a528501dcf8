"""Cut the journals of a release: `python -m tests.golden.cut 0.1`, once, when it is released. Never cut it again."""

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from orders_service import inventory, orders, schema
from orders_service.gateways import Mail, Warehouse
from orders_service.idempotency import OnceKey
from orders_service.orders.placing import place_order
from orders_service.orders.schemas import OrderDraft
from pipelines import cancel
from pipelines.journal import open_for_reading
from pipelines.testing import rehearsal
from pipelines.worker.faults import Commit, Performs
from tests.builders.orders import a_product, an_order
from tests.golden.cuts import SKU, Rows, look, save
from tests.golden.stories import STORIES, Outside, Story

HERE = Path(__file__).parent


class Watcher:
    """Looks at the database after each COMMIT; it stands where a test could plant a fault."""

    def __init__(self, url: str) -> None:
        self.looks: list[Rows] = []
        self._url = url

    def around_commit(self, commit: Commit) -> Commit:
        def watched(connection: Connection) -> None:
            commit(connection)
            seen = look_once(self._url)
            if not self.looks or {**seen, "processes": []} != {**self.looks[-1], "processes": []}:
                self.looks.append(seen)

        return watched

    def around_attempts(self, performer: Performs) -> Performs:
        return performer

    def around_gateway(self, _: Any, gateway: object) -> object:
        return gateway


async def told(story: Story, folder: Path) -> list[Rows]:
    """Every different state in which a process that dies could leave the database."""
    url = f"sqlite:///{folder / story.name}.db"
    schema.migrate(url)
    outside, watcher = Outside.of(story), Watcher(url)
    gateways = {Mail: outside, Warehouse: outside}
    async with rehearsal(
        [orders.fulfill_order, orders.tell_customer], provide=gateways, database_url=url, faults=watcher
    ) as stage:
        await stage.write(inventory.seed, (a_product(SKU, available=10),))
        watcher.looks.clear()
        items = [{"sku": SKU, "quantity": story.quantity}]
        draft = OrderDraft.model_validate_json(json.dumps(an_order(items=items)))
        await stage.write(place_order, draft, OnceKey("golden", None), "golden")
        await stage.process.worker.settled()
        if story.is_cancelled:
            [run] = watcher.looks[-1]["runs"]
            watcher.looks.clear()  # before somebody decided it, the run might have ended otherwise
            await stage.write(cancel, UUID(run["id"]), reason="cancelled on request")
        await stage.run_to_the_end()
        return watcher.looks[:]


def look_once(url: str) -> Rows:
    engine = open_for_reading(url)
    try:
        with engine.connect() as connection:
            return look(connection)
    finally:
        engine.dispose()


def main(release: str) -> None:
    folder = HERE / release
    folder.mkdir(exist_ok=False)  # what was released stays as it is
    with tempfile.TemporaryDirectory() as scratch:
        for number, story in enumerate(STORIES, start=1):
            save(folder, story.name, number, asyncio.run(told(story, Path(scratch))))


if __name__ == "__main__":
    main(sys.argv[1])
