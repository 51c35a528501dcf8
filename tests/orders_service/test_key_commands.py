"""`orders keys`: what is printed, for people and for programs, and how it ends when it does not work."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog
from starlette.types import Receive, Scope, Send

from orders_service import cli
from orders_service.settings import PREFIX
from tests.builders.shop import Shop
from tests.harness.processes import free_port
from tests.harness.uvicorn_server import serving


class Terminal:
    """Types commands at a service that is served from this event loop."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    async def run(self, *words: str, code: int = 0) -> tuple[str, str]:
        """What was printed, and what was complained of."""
        assert await asyncio.to_thread(_ended, "keys", *words) == code
        said = self._capsys.readouterr()
        return said.out, said.err


def _ended(*words: str) -> int:
    sys.argv = ["orders", *words]
    try:
        cli.main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


@pytest.fixture
async def terminal(
    corner_shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> AsyncIterator[Terminal]:
    for name in [name for name in os.environ if name.upper().startswith(PREFIX)]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(sys, "argv", [])

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await corner_shop._with_state(scope, receive, send)

    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())  # the service has another terminal
    async with serving(app) as (_, port):
        monkeypatch.setenv("ORDERS_PORT", str(port))
        yield Terminal(capsys)


async def test_a_key_is_printed_alone_so_that_a_shell_can_keep_it(corner_shop: Shop, terminal: Terminal) -> None:
    out, err = await terminal.run("create", "web-shop", "--scope", "orders:read", "--scope", "reports")
    assert (await corner_shop.client(out.strip()).get("/v1/orders")).status_code == 200
    assert "cannot be shown again" in err


async def test_programs_get_json(corner_shop: Shop, terminal: Terminal) -> None:
    issued = json.loads((await terminal.run("create", "ops", "--admin", "--json"))[0])
    assert issued["is_admin"]
    listed = json.loads((await terminal.run("list", "--json"))[0])["items"]
    assert [key["id"] for key in listed] == [issued["id"]]
    assert json.loads((await terminal.run("revoke", issued["id"], "--json"))[0]) == {
        "id": issued["id"],
        "revoked": True,
    }


async def test_people_get_a_line_for_each_key(corner_shop: Shop, terminal: Terminal) -> None:
    key = (await terminal.run("create", "web-shop", "--scope", "reports"))[0].strip()
    key_id = key.split("_")[1]
    assert (await terminal.run("revoke", key_id))[0] == f"Key {key_id} is revoked.\n"
    [line] = (await terminal.run("list"))[0].splitlines()
    assert line.startswith(f"{key_id}  ")
    assert line.endswith("  web-shop  reports")
    assert "revoked" in line
    assert key.rpartition("_")[2] not in line


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("create", "No Name"), "Invalid request: principal: "),
        (("create", "shop", "--scope", "everything"), "Invalid request: scopes"),
        (("revoke", "0123456789abcdef"), "Not found: "),
        (("revoke", "../orders"), "Not found: "),
    ],
)
async def test_a_refusal_is_one_line_and_ends_with_1(
    corner_shop: Shop, terminal: Terminal, words: tuple[str, ...], says: str
) -> None:
    out, err = await terminal.run(*words, code=1)
    assert (out, len(err.splitlines())) == ("", 1)
    assert err.startswith(says)


async def test_a_wrong_credential_is_said(
    corner_shop: Shop, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORDERS_ADMIN_KEY", "no key of anybody's")
    _, err = await terminal.run("list", code=1)
    assert err.startswith("Unauthenticated: ")


async def test_a_service_that_is_away_ends_with_2(terminal: Terminal, tmp_path: Path) -> None:
    _, err = await terminal.run("list", "--url", f"http://127.0.0.1:{free_port()}", code=2)
    assert "does not answer" in err
    assert len(err.splitlines()) == 1
