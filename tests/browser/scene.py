"""A shop on a busy day: most orders are done, some wait or have failed, one was never possible, an import has run."""

from collections import Counter
from dataclasses import dataclass

import aiohttp

from tests.harness.client import OrderRequest
from tests.harness.orders import ADMIN_KEY, OrdersServer
from tests.harness.receiver import ACCEPT, ERROR, Answer, Delivery
from tests.harness.stage import Stage

DONE, WAITING, DEAD = 24, 3, 4
STATES = {"completed": DONE + 2, "waiting": WAITING, "failed": DEAD, "rejected": 1}
_ROWS = """order_ref,customer_email,sku,quantity,name,line1,line2,city,postal_code,country
a-1,ann@example.com,lamp,1,Ann,1 Main Street,,Berlin,10115,DE
a-2,ben@example.com,lamp,2,Ben,2 Main Street,,Berlin,10115,DE
a-3,nobody,lamp,1,Cy,3 Main Street,,Berlin,10115,DE
"""


@dataclass(frozen=True)
class Scene:
    """Runs to look at."""

    completed: str
    waiting: str
    failed: str
    import_id: str


async def set_the_scene(stage: Stage, server: OrdersServer) -> Scene:
    stage.receiver.behaviour = _by_article
    skus = ["lamp"] * DONE + ["rug"] * WAITING + ["chair"] * DEAD + ["vase"]
    async with stage.client(server) as client:
        heard = await client.place_all([OrderRequest(((sku, 1),)) for sku in skus], connections=4)
    headers = {"Authorization": f"Bearer {ADMIN_KEY}"}
    async with aiohttp.ClientSession(server.url, headers=headers) as http:
        import_id = await _imported(http)
    await stage.until_runs(lambda runs: Counter(run.state for run in runs) == STATES)
    runs = {sku: each.order["run"]["id"] for sku, each in zip(skus, heard, strict=True)}
    return Scene(completed=runs["lamp"], waiting=runs["rug"], failed=runs["chair"], import_id=import_id)


def _by_article(delivery: Delivery) -> Answer:
    answers = {"rug": ERROR, "chair": Answer(status=400)}
    items = delivery.event["data"].get("items", ())
    return next((answers[item["sku"]] for item in items if item["sku"] in answers), ACCEPT)


async def _imported(http: aiohttp.ClientSession) -> str:
    form = aiohttp.FormData()
    form.add_field("file", _ROWS.encode(), filename="orders.csv", content_type="text/csv")
    async with http.post("/v1/imports", data=form) as answer:
        assert answer.status == 202, await answer.text()
        return str((await answer.json())["id"])
