import asyncio
import gc
import json
import os
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, closing
from pathlib import Path
from uuid import uuid4

import aiohttp
import psycopg
import pytest
from pydantic import SecretStr
from sqlalchemy import make_url, text

from orders_service import schema
from orders_service.serving import PortTaken, listen
from orders_service.serving import serving as serving_on_our_loop
from orders_service.settings import DEVELOPMENT_KEY, Settings
from tests.builders.orders import an_order
from tests.harness import schemas
from tests.harness.orders import ORDERS
from tests.harness.postgres import Postgres, fresh_database
from tests.harness.processes import ServiceProcess

PATIENCE_SECONDS = 120.0  # each of these processes starts from nothing, on a machine that has other things to do


class Running:
    """One `orders serve`, and where it said that it listens."""

    def __init__(self, process: ServiceProcess, base: str, http: aiohttp.ClientSession) -> None:
        self.process, self.base, self._http = process, base, http

    async def status(self, path: str) -> int:
        async with self._http.get(f"{self.base}{path}") as answer:
            return answer.status

    async def until(self, path: str, status: int) -> None:
        await until(lambda: self.status(path), status)

    async def place(self) -> str:
        headers = {"Authorization": f"Bearer {DEVELOPMENT_KEY}"}
        order = an_order(items=[{"sku": "MUG-01", "quantity": 1}])
        async with self._http.post(f"{self.base}/v1/orders", json=order, headers=headers) as answer:
            assert answer.status == 201, await answer.text()
            return str((await answer.json())["id"])

    async def order(self, order_id: str) -> str:
        headers = {"Authorization": f"Bearer {DEVELOPMENT_KEY}"}
        async with self._http.get(f"{self.base}/v1/orders/{order_id}", headers=headers) as answer:
            return str((await answer.json())["status"])

    async def address_in_audit(self, forwarded: str | None) -> str | None:
        """Where a request with this header came from, as the audit has it."""
        headers = {"Authorization": f"Bearer {DEVELOPMENT_KEY}"}
        said = {"X-Forwarded-For": forwarded} if forwarded is not None else {}
        url = f"{self.base}/v1/schedules/cleanup-sessions/trigger"
        async with self._http.post(url, headers=headers | said) as answer:
            assert answer.status == 202, await answer.text()
        async with self._http.get(f"{self.base}/v1/audit?limit=1", headers=headers) as answer:
            address: str | None = (await answer.json())["items"][0]["ip"]
            return address

    async def terminated(self) -> int:
        self.process.terminate()
        return (await self.process.until_exit()).code


async def until(question: Callable[[], Awaitable[object]], answer: object) -> None:
    """Ask another process again and again: nothing here would tell us."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await question() != answer:  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.02)


@asynccontextmanager
async def serving(database_url: str, folder: Path, *options: str, **environment: str) -> AsyncIterator[Running]:
    """Serve on a port that the system chooses, which the welcome names; killed afterwards if it still runs."""
    settings, log = _environment(database_url, folder, environment), folder / f"{uuid4()}.log"
    process = ServiceProcess([str(ORDERS), "serve", *options], environment=settings, log=log)
    process.start()
    try:
        async with aiohttp.ClientSession() as http:
            running = Running(process, await _base_url(process), http)
            await running.until("/readyz", 200)
            yield running
    finally:
        await process.kill()


def _environment(database_url: str, folder: Path, more: Mapping[str, str]) -> dict[str, str]:
    own = {"ORDERS_DATABASE_URL": database_url, "ORDERS_DATA_DIR": str(folder), "ORDERS_PORT": "0"}
    return {"PATH": os.environ["PATH"], **own, **more}


async def _base_url(process: ServiceProcess) -> str:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while process.is_running:
            if found := re.search(r"(http://\S+)/v1/orders", process.log.read_text()):
                return found[1]
            await asyncio.sleep(0.02)
    raise AssertionError(f"it ended without a welcome:\n{process.log_end()}")


async def test_a_prepared_process_serves_an_order_to_its_end_and_terminates_with_0(
    database_url: str, tmp_path: Path
) -> None:
    async with serving(database_url, tmp_path, "--prepare") as server:
        order_id = await server.place()
        await until(lambda: server.order(order_id), "completed")
        assert await server.status("/livez") == 200
        assert await server.terminated() == 0
    assert len((tmp_path / "warehouse.jsonl").read_text().splitlines()) == 1
    assert len(list((tmp_path / "mailbox").glob("*.eml"))) == 1


async def test_a_schema_of_the_next_release_is_served(database_url: str, tmp_path: Path) -> None:
    schema.migrate(database_url)
    with schemas.connected(database_url) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'of-the-next-release'"))
    async with serving(database_url, tmp_path) as server:
        assert await server.status("/readyz") == 200


async def test_a_process_whose_database_goes_away_is_alive_but_not_ready(postgres: Postgres, tmp_path: Path) -> None:
    with fresh_database(postgres) as url:
        schema.migrate(url)
        name = make_url(url).database
        async with serving(url, tmp_path) as server:
            with psycopg.connect(postgres.url, autocommit=True) as admin:
                admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
                admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
                await server.until("/readyz", 503)
                assert await server.status("/livez") == 200
                admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'.encode())
                await server.until("/readyz", 200)


async def test_what_has_begun_at_sigterm_is_answered_and_left_to_the_next_process(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'orders.db'}"
    async with serving(url, tmp_path, "--prepare") as server:
        host, port = server.base.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        with closing(writer):
            body = json.dumps(an_order(items=[{"sku": "MUG-01", "quantity": 1}])).encode()
            head = f"Host: {host}\r\nAuthorization: Bearer {DEVELOPMENT_KEY}\r\nContent-Type: application/json\r\n"
            writer.write(f"POST /v1/orders HTTP/1.1\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:10])
            await writer.drain()
            await server.status("/livez")  # so the server has seen what was sent before it
            server.process.terminate()
            await _refused(host, int(port))
            writer.write(body[10:])
            answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 201 ")
        assert (await server.process.until_exit()).code == 0
    assert not list((tmp_path / "mailbox").glob("*.eml"))
    async with serving(url, tmp_path) as server:
        order_id = json.loads(answer.partition(b"\r\n\r\n")[2])["id"]
        await until(lambda: server.order(order_id), "completed")


async def _refused(host: str, port: int) -> None:
    """Return when the server has stopped listening."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                _, writer = await asyncio.open_connection(host, port)
            except ConnectionError:
                return
            writer.close()
            await asyncio.sleep(0.01)


THROUGH_A_PROXY = {
    None: "127.0.0.1",
    "203.0.113.9": "203.0.113.9",
    "198.51.100.7, 203.0.113.9": "203.0.113.9",  # what stands before it the client may have made up
    "203.0.113.9, 10.1.2.3": "203.0.113.9",
    "2001:db8::1": "2001:db8::1",
    "unknown": None,
}


@pytest.mark.parametrize("trusted", ["127.0.0.1 10.0.0.0/8", "10.0.0.0/8", ""])
async def test_only_a_trusted_proxy_says_where_a_request_came_from(tmp_path: Path, trusted: str) -> None:
    url, is_trusted = f"sqlite:///{tmp_path / 'orders.db'}", trusted.startswith("127.")
    async with serving(url, tmp_path, "--prepare", ORDERS_TRUSTED_PROXIES=trusted) as server:
        for forwarded, told in THROUGH_A_PROXY.items():
            expected = told if is_trusted else "127.0.0.1"
            assert await server.address_in_audit(forwarded) == expected, forwarded


def test_port_0_is_any_free_port() -> None:
    with listen("127.0.0.1", 0) as one, listen("127.0.0.1", 0) as other:
        assert 0 != one.getsockname()[1] != other.getsockname()[1]


async def test_what_lives_as_long_as_the_process_is_not_collected_again(sqlite_url: str, tmp_path: Path) -> None:
    frozen = gc.get_freeze_count()
    settings = Settings(database_url=SecretStr(sqlite_url), data_dir=tmp_path)
    async with serving_on_our_loop(settings, listener=listen("127.0.0.1", 0)):
        assert gc.get_freeze_count() > frozen


def test_a_port_that_somebody_has_is_refused_before_anything_else() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(PortTaken, match="is taken"):
        listen("127.0.0.1", taken.getsockname()[1])


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host"])
def test_an_address_that_is_not_ours_is_refused_in_words(host: str) -> None:
    with pytest.raises(PortTaken, match=f"on {host} can not be opened: "):
        listen(host, 0)


def test_ipv6_is_served_too() -> None:
    with listen("::1", 0) as listener:
        assert listener.getsockname()[0] == "::1"
