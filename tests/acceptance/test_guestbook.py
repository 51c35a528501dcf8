"""The application of the library's README, as it stands there: another host than ours, served, killed and resumed."""

import sqlite3
from pathlib import Path

import aiohttp

from tests.harness.processes import free_port, running
from tests.harness.published import README, listening, published_code, server_of


async def test_a_guest_who_was_told_201_is_thanked_though_the_server_was_killed(tmp_path: Path) -> None:
    module, port = tmp_path / "guestbook.py", free_port()
    module.write_text(published_code(README, "class Guest"))
    url = f"http://127.0.0.1:{port}"
    async with listening(unanswered=1) as service, aiohttp.ClientSession(raise_for_status=True) as http:
        guestbook = server_of(module, port, THANKS_URL=service.url)
        async with running(guestbook, f"{url}/openapi.json"):
            async with http.post(f"{url}/guests", json={"name": "Ada"}) as answer:
                signed = await answer.json()
            await service.until({"to": "Ada"})
            await guestbook.kill()
        async with (
            running(guestbook, f"{url}/openapi.json"),
            http.get(f"{url}/runs/{signed['run']}", params={"wait": 20}) as answer,
        ):
            run = await answer.json()
    assert run["state"] == "completed"
    assert len(service.told) == 2
    assert len({told.key for told in service.told}) == 1
    with sqlite3.connect(tmp_path / "guestbook.db") as connection:
        assert connection.execute("SELECT name, thanked FROM entry").fetchall() == [("Ada", 1)]
    connection.close()
