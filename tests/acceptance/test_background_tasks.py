"""Background tasks as the library's README prints them, under a server that is killed in the middle of one."""

from pathlib import Path

import aiohttp
import pytest

from tests.harness.processes import free_port, running
from tests.harness.published import README, listening, published_code, server_of

BEFORE = """
import json
import os
from urllib.request import Request, urlopen

from fastapi import FastAPI


def write_notification(email: str, message: str) -> None:
    body = json.dumps(email).encode()
    urlopen(Request(os.environ["MAIL_URL"], body, {"Content-Type": "application/json"}), timeout=20)
"""
AFTER = """
@app.post("/send-notifications")
async def send_notifications(emails: list[str], tasks: BackgroundTasks) -> None:
    for email in emails:
        tasks.add_task(write_notification, email, message="some notification")
"""
THEIRS = "from fastapi import BackgroundTasks\n"


@pytest.mark.parametrize(
    ("change", "told"),
    [("", ["ada", "bob", "bob", "eve", "last"]), (THEIRS, ["ada", "bob", "last"])],
    ids=["ours", "fastapi's own"],
)
async def test_tasks_go_on_where_they_were_when_the_server_was_killed(
    tmp_path: Path, change: str, told: list[str]
) -> None:
    module, port = tmp_path / "my_package.py", free_port()
    published = published_code(README, "BackgroundWork(")
    imports, rest = published.split("\n\n", 1)
    module.write_text(f"{BEFORE}\n{imports}\n{change}\n{rest}\n{AFTER}")
    url = f"http://127.0.0.1:{port}"
    async with listening(unanswered=2) as mail, aiohttp.ClientSession(raise_for_status=True) as http:
        server = server_of(module, port, MAIL_URL=mail.url)
        async with running(server, f"{url}/openapi.json"):
            await http.post(f"{url}/send-notifications", json=["ada", "bob", "eve"])
            await mail.until("bob")
            await server.kill()
        async with running(server, f"{url}/openapi.json"):
            await mail.until(*told[:-1])
            await http.post(f"{url}/send-notification/last")
            await mail.until("last")
    assert [each.body for each in mail.told] == told
