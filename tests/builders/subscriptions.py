"""A shop whose subscribers are called for real, and one of them at the other end."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import httpx2
from aiohttp.abc import AbstractResolver
from sqlalchemy import event

from orders_service import subscriptions
from orders_service.gateways import LOOPBACK, Guard, HttpSubscribers, Subscribers, open_http_session
from orders_service.webhooks.subscribers import _example
from pipelines import Retry, Transaction
from tests.builders.shop import Shop, open_shop
from tests.harness.receiver import Receiver, webhook_receiver

ENDPOINTS = "/v1/webhook-endpoints"
URL = "http://127.0.0.1:9/hook"  # nobody is called by the stand-in of the shop
UNKNOWN_SECRET = "whsec_bm9ib2R5LWhhcy1zaG93bi1tZS1hLXNlY3JldC15ZXQ="


def a_draft(*event_types: str, url: str = URL, **fields: Any) -> dict[str, Any]:
    return {"url": url, "event_types": list(event_types or ["order.*"]), **fields}


async def subscribed(client: httpx2.AsyncClient, *event_types: str, **fields: Any) -> Any:
    """An endpoint that was created, as it was answered: with its secret."""
    response = await client.post(ENDPOINTS, json=a_draft(*event_types, **fields))
    assert response.status_code == 201, response.text
    return response.json()


def path_of(endpoint: Any, *more: str) -> str:
    return "/".join((ENDPOINTS, endpoint["id"], *more))


async def deliveries(client: httpx2.AsyncClient, endpoint: Any, **query: Any) -> list[Any]:
    """What was sent to the endpoint, newest first, as it is listed."""
    response = await client.get(path_of(endpoint, "deliveries"), params=query)
    assert response.status_code == 200, response.text
    items: list[Any] = response.json()["items"]
    return items


async def heard(client: httpx2.AsyncClient, endpoint: Any) -> list[str]:
    """The events that the endpoint was told of, oldest first."""
    return [each["event_type"] for each in reversed(await deliveries(client, endpoint))]


def publish(tx: Transaction, event_type: str, *, owner: str | None = None, data: Any = None) -> None:
    subscriptions.publish(tx, event_type, data or _example(event_type)["data"], owner=owner)


@contextmanager
def statements_about(shop: Shop, table: str) -> Iterator[list[str]]:
    """Which statements of the committer name this table."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if table in statement:
            seen.append(statement)

    event.listen(shop.process._writers, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(shop.process._writers, "before_cursor_execute", note)


class Newsroom:
    """A shop, somebody who receives what it publishes, and how he subscribed."""

    def __init__(self, shop: Shop, receiver: Receiver, endpoint: Any, session: aiohttp.ClientSession) -> None:
        self.shop, self.receiver, self.endpoint, self._session = shop, receiver, endpoint, session

    async def sent_test(self) -> Any:
        """A test event that is on its way, as it was answered."""
        response = await self.shop.api.post(path_of(self.endpoint, "test"))
        assert response.status_code == 202, response.text
        await self.shop.settled()
        return response.json()

    async def listed(self, **query: Any) -> list[Any]:
        return await deliveries(self.shop.api, self.endpoint, **query)

    async def later(self, **time: float) -> None:
        """So much later, when all that became due on the way has had its turn."""
        await self.shop.advance(timedelta(**time))

    def forget_names(self) -> None:
        """Nothing is known of addresses any more, and no connection is left: the next call resolves and connects."""
        assert isinstance(self._session.connector, aiohttp.TCPConnector)
        self._session.connector.clear_dns_cache()
        self._session.connector._conns.clear()

    async def shown(self) -> Any:
        return (await self.shop.api.get(path_of(self.endpoint))).json()


@asynccontextmanager
async def open_newsroom(
    database_url: str, folder: Path, *, resolver: AbstractResolver | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[Newsroom]:
    """All that is real is the way from the journal to the subscriber; the waits between attempts are, too."""
    guard = Guard(LOOPBACK, allow_http=True)
    async with webhook_receiver(UNKNOWN_SECRET) as receiver, open_http_session(guard, resolver=resolver) as session:
        gateways = {Subscribers: HttpSubscribers(session, guard, timeout_seconds=5)}
        async with open_shop(database_url, folder, gateways=gateways, dice=Retry.drawn_delay) as shop:
            url = receiver.url.replace("127.0.0.1", host)
            endpoint = await subscribed(shop.api, "order.*", "product.*", url=url)
            receiver.secret = endpoint["secret"]
            yield Newsroom(shop, receiver, endpoint, session)
