"""Orders are posted, the server is killed in the middle and started again, and everything is counted."""

import base64
import secrets
import time
from collections import Counter
from collections.abc import Callable
from email.parser import BytesHeaderParser
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from orders_service.client import Client
from orders_service.demo.server import Server
from orders_service.demo.verdict import Evidence
from orders_service.demo.warehouse import TROUBLES, Fate, Warehouse, open_for_business
from orders_service.gateways import Signatures
from orders_service.mendable import Mendable
from orders_service.settings import DEVELOPMENT_KEY

PATIENCE_SECONDS = 90.0
SKU = "MUG-01"
FATES = {
    **dict.fromkeys(("Ada", "Alan", "Barbara", "Edsger", "Frances", "Hedy"), Fate.TAKEN),
    **dict.fromkeys(("Grace", "John", "Katherine", "Tony"), Fate.UNHEARD),
    "Margaret": Fate.FLAKY,
    "Niklaus": Fate.REFUSED,
}
OPEN = ("ready", "running", "waiting", "undoing")


def tell(say: Callable[[str], None]) -> Evidence:
    """The whole story, in a folder that is gone afterwards. Raises `Mendable` when it cannot be told to its end."""
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
    warehouse = Warehouse(Signatures([secret]), FATES)
    with (
        TemporaryDirectory(prefix="orders-demo-", ignore_cleanup_errors=True) as folder,
        open_for_business(warehouse) as url,
        Server(Path(folder), {"ORDERS_FULFILLMENT_URL": url, "ORDERS_FULFILLMENT_SECRET": secret}) as server,
    ):
        say(f"A service on SQLite in {folder}, and a warehouse that cannot be relied on at {url}.")
        return _Story(warehouse, server, Path(folder), say).told()


class _Story:
    """Its acts, one after the other."""

    def __init__(self, warehouse: Warehouse, server: Server, folder: Path, say: Callable[[str], None]) -> None:
        self._warehouse, self._server, self._folder, self._say = warehouse, server, folder, say
        self._ends_at = time.monotonic() + PATIENCE_SECONDS
        self._orders: dict[str, Any] = {}  # by customer, as they were answered
        self._client: Client

    def told(self) -> Evidence:
        self._serve()
        in_stock = self._in_stock()
        self._post()
        self._kill()
        self._serve()
        self._settle()
        return self._count(in_stock)

    def _serve(self) -> None:
        started = time.monotonic()
        self._client = Client(self._server.start(), DEVELOPMENT_KEY)
        self._client.get("/readyz")
        self._say(f"Process {self._server.pid} serves, after {time.monotonic() - started:.1f} s.")

    def _post(self) -> None:
        for name in FATES:
            self._orders[name] = self._client.call("POST", "/v1/orders", _order_of(name))
        self._say(f"{len(FATES)} orders are posted, and each is answered with 201: it is on disk.")

    def _kill(self) -> None:
        """When every order has come to the warehouse, and the answers to some are still on their way."""
        warehouse = self._warehouse
        if not warehouse.until(lambda: len(warehouse.asked_for) == len(FATES), seconds=self._seconds_left()):
            raise Mendable("The warehouse was not asked for every order in time.")
        fates = Counter(FATES.values())
        self._say(f"The warehouse takes {fates[Fate.TAKEN]} of them. Margaret's it answers with 500, {TROUBLES} times.")
        self._say("Niklaus's it refuses for good: that one fails, and what was done for it is undone.")
        self._say(f"{fates[Fate.UNHEARD]} more it takes, but before anybody hears of it:")
        pid, states = self._server.pid, self._states()
        self._server.kill()
        warehouse.speak()
        self._say(f"kill -9 {pid}. Of the runs of the orders {_listed(states)}.")

    def _settle(self) -> None:
        """Until no run is open. What nobody heard of is asked for again, under the same id, and taken once."""
        while waiting := self._open_runs():
            for run in waiting:
                if self._seconds_left() <= 0:
                    raise Mendable(f"Run {run['id']} is {run['state']} at {run['step']}, and time is up.")
                self._client.get(run["url"], wait="5")
        again = sum(len(ids) - 1 for ids in self._warehouse.asked_for.values())
        self._say(f"Now each has come to its end: {_listed(self._states())}.")
        self._say(f"The warehouse was asked again {again} times.")
        margarets = self._client.get(self._orders["Margaret"]["run"]["url"])["attempts"]
        tries = [attempt["outcome"] for attempt in margarets if attempt["step"] == "notify_warehouse"]
        self._say(f"Margaret's order, as the warehouse was notified of it: {', '.join(tries)}.")

    def _count(self, in_stock: int) -> Evidence:
        known = self._client.get("/v1/orders", limit="200")["items"]
        posted = {name: order["id"] for name, order in self._orders.items()}
        return Evidence(
            posted=list(posted.values()),
            doomed=[posted[name] for name, fate in FATES.items() if fate is Fate.REFUSED],
            statuses={order["id"]: order["status"] for order in known},
            parcels=self._warehouse.parcels,
            asked_for=self._warehouse.asked_for,
            called_off=self._warehouse.called_off,
            confirmed=_confirmations(self._folder / "var" / "mailbox"),
            sold=in_stock - self._in_stock(),
        )

    def _in_stock(self) -> int:
        return int(self._client.get(f"/v1/products/{SKU}")["available"])

    def _open_runs(self) -> list[Any]:
        return list(self._client.get("/v1/runs", state=OPEN, limit="200")["items"])

    def _states(self) -> Counter[str]:
        return Counter(self._client.get(order["run"]["url"])["state"] for order in self._orders.values())

    def _seconds_left(self) -> float:
        return self._ends_at - time.monotonic()


def _order_of(name: str) -> dict[str, Any]:
    address = {"name": name, "line1": "1 Loop Lane", "city": "Lyon", "postal_code": "69001", "country": "FR"}
    return {
        "customer_email": f"{name.lower()}@example.com",
        "items": [{"sku": SKU, "quantity": 1}],
        "shipping_address": address,
    }


def _listed(states: Counter[str]) -> str:
    parts = [f"{count} {'is' if count == 1 else 'are'} {state}" for state, count in states.most_common()]
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def _confirmations(mailbox: Path) -> dict[str, list[str]]:
    """By order, whose id is the end of the subject."""
    found: dict[str, list[str]] = {}
    for file in mailbox.glob("[!.]*.eml"):
        mail = BytesHeaderParser().parsebytes(file.read_bytes())
        if mail["Subject"].startswith("Your order "):
            found.setdefault(mail["Subject"].split()[-1], []).append(mail["Message-ID"])
    return found
