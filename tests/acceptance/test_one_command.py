"""The first minute: one command in an empty folder, and a sentence when it cannot work."""

import asyncio
import json
import os
import shlex
import shutil
import socket
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from orders_service import starting
from orders_service.settings import DEVELOPMENT_KEY, Settings
from tests.harness.orders import ORDERS, OrdersServer
from tests.harness.processes import running

PREPARE = [str(ORDERS), "serve", "--prepare"]
KEY = {"Authorization": f"Bearer {DEVELOPMENT_KEY}"}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[OrdersServer]:
    """What `make run` runs; nothing is set but the port."""
    server = OrdersServer(PREPARE, environment={"PATH": os.environ["PATH"]}, log=tmp_path / "log")
    server.folder = tmp_path
    async with running(server, server.ready_url):
        yield server


async def test_the_printed_line_places_an_order_that_is_fulfilled(server: OrdersServer) -> None:
    """And everything it leads to is printed too."""
    printed = server.log.read_text()
    for path in ("/v1/orders", "/docs", "/metrics", "/sandbox/warehouse", "/sandbox/crm", "/sandbox/mailbox"):
        assert f"{server.url}{path} " in printed.replace("\n", " ")
    assert f"Key         {DEVELOPMENT_KEY}" in printed
    order = await _placed(server)
    await _completed(server, order)
    [receipt] = await _get(server, "/sandbox/warehouse")
    [mail] = await _get(server, "/sandbox/mailbox")
    assert receipt["event"]["data"]["order_id"] == order["id"]
    assert mail["subject"].endswith(order["id"])


async def test_a_key_of_ones_own_is_filled_in_by_the_shell() -> None:
    key = "a-key-of-my-own-0123456789"
    printed = starting.welcome(Settings(admin_key=SecretStr(key)))
    shown = _line_in(printed).replace("curl ", "printf '%s\\n' ", 1)
    process = await asyncio.create_subprocess_exec(
        *("/bin/sh", "-c", shown), env={"ORDERS_ADMIN_KEY": key}, stdout=asyncio.subprocess.PIPE
    )
    assert key not in printed
    assert f"\nAuthorization: Bearer {key}\n" in (await process.communicate())[0].decode()


async def test_the_next_start_finds_what_was_there(server: OrdersServer) -> None:
    order = await _placed(server)
    await _completed(server, order)
    server.interrupt()
    assert (await server.until_exit()).code == 0
    await server.serve()
    assert (await _get(server, f"/v1/orders/{order['id']}"))["status"] == "completed"
    assert len(await _get(server, "/sandbox/warehouse")) == 1


async def test_a_second_process_on_the_same_file_is_refused(server: OrdersServer) -> None:
    sentence = await _refused(server.folder, {"ORDERS_PORT": "0"})
    assert f"is already served by process {server.pid}" in sentence
    assert (await _get(server, "/readyz"))["status"] == "ok"


async def test_a_taken_port_is_refused(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"Port {port} on 127.0.0.1 is taken." in await _refused(tmp_path, {"ORDERS_PORT": str(port)})


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"ORDERS_WORKER_SLOT": "8"}, "ORDERS_WORKER_SLOT: there is no such setting"),
        ({"ORDERS_PROFILE": "production"}, "set ORDERS_ADMIN_KEY, ORDERS_FULFILLMENT_SECRET"),
        ({"ORDERS_HOST": "0.0.0.0"}, "set ORDERS_PROFILE=production"),  # noqa: S104 - it is refused
    ],
)
async def test_what_cannot_work_is_refused_in_a_sentence(
    tmp_path: Path, environment: dict[str, str], said: str
) -> None:
    assert said in await _refused(tmp_path, {"ORDERS_PORT": "0", **environment})


async def _refused(folder: Path | None, environment: Mapping[str, str]) -> str:
    """The one line that it says."""
    process = await asyncio.create_subprocess_exec(
        *PREPARE,
        env={"PATH": os.environ["PATH"], **environment},
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said = (await process.communicate())[1].decode()
    assert process.returncode not in {0, None}
    assert len(said.splitlines()) == 1, said
    return said


def _line_in(printed: str) -> str:
    return printed[printed.index("curl ") :].partition("\n\n")[0]


async def _placed(server: OrdersServer) -> Any:
    """By that very line, where there is a curl; else by what it says."""
    place = _curled if shutil.which("curl") else _sent
    status, body = await place(_line_in(server.log.read_text()))
    assert status == 201, body
    return json.loads(body)


async def _curled(line: str) -> tuple[int, str]:
    quietly = "--silent --show-error --write-out '\\n%{http_code}'"
    process = await asyncio.create_subprocess_exec("/bin/sh", "-c", f"{line} {quietly}", stdout=asyncio.subprocess.PIPE)
    body, _, status = (await process.communicate())[0].decode().rpartition("\n")
    return int(status), body


async def _sent(line: str) -> tuple[int, str]:
    _, url, *options = shlex.split(line.replace("\\\n", " "))
    given = list(zip(options[::2], options[1::2], strict=True))
    headers = dict(value.split(": ") for name, value in given if name == "-H")
    async with aiohttp.ClientSession(headers=headers) as http, http.post(url, data=dict(given)["-d"]) as answer:
        return answer.status, await answer.text()


async def _get(server: OrdersServer, path: str) -> Any:
    async with aiohttp.ClientSession(headers=KEY) as http, http.get(f"{server.url}{path}") as answer:
        return await answer.json()


async def _completed(server: OrdersServer, order: Any) -> None:
    async with asyncio.timeout(60):
        while (await _get(server, f"/v1/orders/{order['id']}"))["status"] != "completed":  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.02)
