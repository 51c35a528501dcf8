"""Accounts over the wire: a welcome whose process is killed in the middle, with a real mail server and a real CRM."""

import re
import signal
from pathlib import Path
from typing import Any

import aiohttp

from tests.builders.accounts import a_login, a_signup
from tests.harness.crm_server import crm_server
from tests.harness.facts import read_runs
from tests.harness.orders import ADMIN_KEY, OrdersServer
from tests.harness.smtp_server import smtp_server
from tests.harness.stage import Stage, staged

DEATHS = (
    "before_call:Mail.send in send_welcome",
    "after_call:Mail.send in send_welcome",
    "after_call:Crm.put_user in tell_crm",
)


async def test_a_welcome_survives_a_death_at_each_of_its_calls(tmp_path: Path) -> None:
    async with (
        smtp_server() as smtp,
        crm_server() as crm,
        staged(
            f"sqlite:///{tmp_path / 'orders.db'}", tmp_path, stock={"lamp": 1}, smtp_url=smtp.url, crm_url=crm.url
        ) as stage,
    ):
        server = stage.installation.server("server", f"dies_at={DEATHS[0]}")
        await server.serve()
        try:
            account = await _asked(server, "POST", "/v1/signup", a_signup())
            await _revived_after_each_death(stage, server)
            shown = await _asked(server, "GET", f"/v1/users/{account['id']}")
        finally:
            await server.kill()
        assert (shown["status"], shown["crm"]["state"]) == ("active", "synced")
        assert {_message_id(mail.content) for mail in smtp.accepted if mail.recipients == ("ada@example.com",)}
        assert len({_message_id(mail.content) for mail in smtp.accepted}) == 1
        assert len({(call.key, call.body) for call in crm.calls}) == 1
        assert {run.state for run in read_runs(stage.database_url)} == {"completed"}


async def test_the_commands_for_keys_speak_with_the_running_service(tmp_path: Path) -> None:
    async with (
        staged(f"sqlite:///{tmp_path / 'orders.db'}", tmp_path, stock={"lamp": 1}) as stage,
        stage.installation.serving() as server,
    ):
        printed = await stage.installation.run("keys", "create", "shop", "--scope", "orders:read", "--url", server.url)
        key = printed.splitlines()[0]
        assert await _status(server, "/v1/orders", key) == 200
        listed = await stage.installation.run("keys", "list", "--url", server.url)
        assert listed.splitlines()[1].split()[-2:] == ["shop", "orders:read"]
        await stage.installation.run("keys", "revoke", key.split("_")[1], "--url", server.url)
        assert await _status(server, "/v1/orders", key) == 401


async def test_a_login_over_the_wire_opens_until_the_logout(tmp_path: Path) -> None:
    async with (
        staged(f"sqlite:///{tmp_path / 'orders.db'}", tmp_path, stock={"lamp": 1}) as stage,
        stage.installation.serving() as server,
    ):
        await _asked(server, "POST", "/v1/signup", a_signup())
        token = (await _asked(server, "POST", "/v1/login", a_login()))["access_token"]
        assert await _status(server, "/v1/users/me", token) == 200
        async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as http:
            await http.post(f"{server.url}/v1/logout")
        assert await _status(server, "/v1/users/me", token) == 401


async def _revived_after_each_death(stage: Stage, server: OrdersServer) -> None:
    for next_death in (*DEATHS[1:], None):
        assert (await server.until_exit()).code == -signal.SIGKILL
        plants = [f"dies_at={next_death}"] if next_death else []
        server.command = stage.installation.server("server", *plants).command
        server.start()
    await server.until_ready(server.ready_url)
    await stage.until_settled()


async def _asked(server: OrdersServer, method: str, path: str, body: Any = None) -> Any:
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {ADMIN_KEY}"}, raise_for_status=True) as http,
        http.request(method, server.url + path, json=body) as answer,
    ):
        return await answer.json()


async def _status(server: OrdersServer, path: str, key: str) -> int:
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {key}"}) as http,
        http.get(server.url + path) as answer,
    ):
        return answer.status


def _message_id(mail: bytes) -> bytes:
    found = re.search(rb"^Message-ID: (\S+)", mail, re.MULTILINE)
    assert found
    return found[1]
