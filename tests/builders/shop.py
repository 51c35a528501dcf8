"""The whole service in a test's event loop: the real application on a real database, with fakes for the outside."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import httpx2
from fastapi import FastAPI
from pydantic import SecretStr
from pydantic_settings import PydanticBaseSettingsSource
from sqlalchemy import Executable, text
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as AsgiScope

from orders_service import inventory
from orders_service.app import create_app
from orders_service.auth import issue_key
from orders_service.gateways import Crm, Mail, Subscribers, Warehouse
from orders_service.inventory import CatalogEntry
from orders_service.settings import DEVELOPMENT_KEY, Settings
from pipelines import Process, ReadSession, RunRecord
from pipelines.testing import Rehearsal, VirtualClock
from tests.builders.accounts import a_login, a_signup
from tests.builders.gateways import FakeCrm, FakeMail, FakeSubscribers, FakeWarehouse
from tests.builders.orders import a_product, an_order

R = TypeVar("R")

BETWEEN_ATTEMPTS = timedelta(minutes=10)  # so that none is made while a test looks, unless it moves the clock
NONE: Mapping[Any, object] = {}
OF_THE_PROCESS = {"schedules", "faults", "dice", "limits", "slots", "threads", "subscribers", "retention", "on_failure"}
SHELF = (a_product("mug"), a_product("lamp"))


@dataclass
class Outside:
    """Stand-ins for whoever the service calls."""

    warehouse: FakeWarehouse = field(default_factory=FakeWarehouse)
    mail: FakeMail = field(default_factory=FakeMail)
    crm: FakeCrm = field(default_factory=FakeCrm)
    subscribers: FakeSubscribers = field(default_factory=FakeSubscribers)

    @property
    def gateways(self) -> dict[Any, object]:
        return {Warehouse: self.warehouse, Mail: self.mail, Crm: self.crm, Subscribers: self.subscribers}

    def open_doors(self) -> None:
        for each in (self.warehouse, self.mail, self.crm, self.subscribers):
            each.door.open()
        self.warehouse.back_door.open()
        self.mail.back_door.open()


class Given(Settings):
    """What is not given is as it usually is: no environment is asked, which takes longer than all of the rest."""

    @classmethod
    def settings_customise_sources(cls, *_: Any, **sources: Any) -> tuple[PydanticBaseSettingsSource, ...]:
        return (sources["init_settings"],)


class Shop:
    """`api` speaks with the admin's key; `client_of` with somebody else's."""

    def __init__(self, app: FastAPI, state: Any, clock: VirtualClock, outside: Outside) -> None:
        self.app, self.clock = app, clock
        self.warehouse, self.mail, self.crm = outside.warehouse, outside.mail, outside.crm
        self.subscribers = outside.subscribers
        self.process: Process = app.state.process
        self._state = dict(state)
        self._stage = Rehearsal(self.process, clock)
        self.api = self.client(DEVELOPMENT_KEY)

    @property
    def served(self) -> ASGIApp:
        """For a real server, which takes a bound method for an application of old."""

        async def served(scope: AsgiScope, receive: Receive, send: Send) -> None:
            await self._with_state(scope, receive, send)

        return served

    def client(self, key: str | None) -> httpx2.AsyncClient:
        headers = {"Authorization": f"Bearer {key}"} if key is not None else {}
        return httpx2.AsyncClient(
            transport=httpx2.ASGITransport(self._with_state), base_url="http://shop.test", headers=headers
        )

    async def login(self, **fields: Any) -> httpx2.AsyncClient:
        """Somebody with an account, who has just logged in."""
        response = await self.client(None).post("/v1/login", json=a_login(**fields))
        assert response.status_code == 200, response.text
        return self.client(response.json()["access_token"])

    async def customer(self, **fields: Any) -> httpx2.AsyncClient:
        """The same, of somebody who has just signed up."""
        response = await self.client(None).post("/v1/signup", json=a_signup(**fields))
        assert response.status_code == 201, response.text
        return await self.login(**{name: value for name, value in fields.items() if name != "name"})

    async def client_of(self, principal: str, **key: Any) -> httpx2.AsyncClient:
        """`key` is what `issue_key` takes: `is_admin`, `scopes`."""
        return self.client(await self.process.write(issue_key, principal, **key))

    async def offer(self, *products: CatalogEntry) -> None:
        await self.process.write(inventory.seed, products)

    async def placed(self, order: dict[str, Any] | None = None, *, by: httpx2.AsyncClient | None = None) -> Any:
        """An order that was accepted, as it was answered."""
        response = await (by or self.api).post("/v1/orders", json=order or an_order())
        assert response.status_code == 201, response.text
        return response.json()

    async def shown(self, order: Any) -> Any:
        """The order as it is shown now."""
        response = await self.api.get(f"/v1/orders/{order['id']}")
        assert response.status_code == 200, response.text
        return response.json()

    async def settled(self) -> None:
        """Until no run can go on by itself: each has ended, or waits."""
        await self.process.worker.settled()

    async def run_to_the_end(self) -> None:
        """Until each run has ended; waiting takes no time."""
        await self._stage.run_to_the_end()

    async def advance(self, by: timedelta) -> None:
        """Move the clock, and do what becomes due on the way: schedules fire and runs go on, each at its time."""
        await self._stage.advance(by)

    def run(self, order: Any) -> RunRecord:
        return self._stage.run(UUID(order["run"]["id"]))

    def runs(self) -> list[RunRecord]:
        """All of them, oldest first."""
        return self._stage.runs()

    def shelf(self, sku: str) -> tuple[int, int]:
        """How many are available, and how many are held."""
        statement = text("SELECT available, reserved FROM stock WHERE sku = :sku").bindparams(sku=sku)
        available, reserved = self.rows(statement)[0]
        return available, reserved

    def count(self, table: str) -> int:
        return int(self.rows(text(f"SELECT count(*) FROM {table}"))[0][0])  # noqa: S608 - a test's own table

    def rows(self, statement: Executable) -> Any:
        return self.read(lambda session: session.execute(statement).all())

    def read(self, question: Callable[[ReadSession], R]) -> R:
        with self.reading() as session:
            return question(session)

    def reading(self) -> ReadSession:
        return ReadSession(self.process.readers)

    async def write(self, statement: str, **values: object) -> None:
        """What the API has no way to do: somebody else changed this row."""
        await self.process.write(lambda tx: tx.execute(text(statement), values) and None)

    async def _with_state(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        await self.app({**scope, "state": dict(self._state)}, receive, send)


def between_ticks() -> VirtualClock:
    """A minute past a full hour: no schedule of the service fires for some minutes, unless a test moves it."""
    clock = VirtualClock()
    now = clock.now()
    clock.advance(now.replace(minute=1, second=0, microsecond=0) + timedelta(hours=1) - now)
    return clock


@asynccontextmanager
async def open_shop(
    database_url: str,
    folder: Path,
    *,
    real_gateways: bool = False,
    gateways: Mapping[Any, object] = NONE,
    clock: VirtualClock | None = None,
    **options: Any,
) -> AsyncIterator[Shop]:
    """Put a shelf of mugs and lamps up, and serve from a database that is migrated.

    `options` are settings of the service, and what its process takes. Without `schedules` a test may move the clock,
    and finds no runs but its own. `gateways` are instead of stand-ins.
    """
    outside, clock = Outside(), clock or VirtualClock()
    process = {name: options.pop(name) for name in OF_THE_PROCESS & options.keys()}
    app = create_app(
        Given(database_url=SecretStr(database_url), data_dir=folder, **options),
        gateways=None if real_gateways else {**outside.gateways, **gateways},
        **{"schedules": (), "clock": clock, "dice": lambda *_: BETWEEN_ATTEMPTS, **process},
    )
    async with app.router.lifespan_context(app) as state:
        shop = Shop(app, state, clock, outside)
        await shop.offer(*SHELF)
        yield shop
        outside.open_doors()
