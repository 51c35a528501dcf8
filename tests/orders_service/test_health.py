import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import event, text

from orders_service import health, schema
from pipelines import Fenced, Transaction
from tests.builders.shop import Shop, open_shop


def unavailable(answer: httpx2.Response) -> bool:
    assert answer.headers["content-type"] == "application/problem+json"
    return (answer.status_code, answer.json()["code"]) == (503, "unavailable")


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
async def test_a_healthy_process_says_so_without_credentials(corner_shop: Shop, path: str) -> None:
    answer = await corner_shop.client(None).get(path)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_while_it_drains_a_process_is_alive_but_not_ready(corner_shop: Shop) -> None:
    corner_shop.process.begin_to_drain()
    assert unavailable(await corner_shop.api.get("/readyz"))
    assert (await corner_shop.api.get("/livez")).status_code == 200


async def test_without_a_schema_a_process_is_alive_but_not_ready(own_shop: Shop) -> None:
    await own_shop.write("ALTER TABLE alembic_version RENAME TO hidden")
    assert unavailable(await own_shop.api.get("/readyz"))
    assert (await own_shop.api.get("/livez")).status_code == 200


async def test_a_newer_schema_does_not_make_old_processes_unready(own_shop: Shop) -> None:
    await own_shop.write("UPDATE alembic_version SET version_num = 'of-the-next-release'")
    assert (await own_shop.api.get("/readyz")).status_code == 200


async def test_an_older_schema_makes_a_process_unready(own_shop: Shop) -> None:
    [*_, oldest] = ScriptDirectory.from_config(schema._config()).walk_revisions()
    await own_shop.write("UPDATE alembic_version SET version_num = :revision", revision=oldest.revision)
    assert unavailable(await own_shop.api.get("/readyz"))
    assert (await own_shop.api.get("/livez")).status_code == 200


class Gate:
    """What comes to it waits until it is opened, and is counted."""

    def __init__(self) -> None:
        self.came = 0
        self._somebody_is_here, self._opened = threading.Event(), threading.Event()

    def wait(self, *_: Any) -> None:
        self.came += 1
        self._somebody_is_here.set()
        self._opened.wait()

    async def is_reached(self) -> None:
        await asyncio.to_thread(self._somebody_is_here.wait)

    def open(self) -> None:
        self._opened.set()


@pytest.fixture
def gate(corner_shop: Shop) -> Iterator[Gate]:  # opened before the shop is closed
    gate = Gate()
    yield gate
    gate.open()


async def test_a_database_that_hangs_makes_a_process_unready_in_time_and_costs_one_thread(
    corner_shop: Shop, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_ANSWER_GOOD_FOR_SECONDS", -1.0)
    monkeypatch.setattr(health, "_LONGEST_PING_SECONDS", 0.05)

    def hang(_: Any, __: Any, sql: str, *___: Any) -> None:
        if "alembic_version" in sql:  # others read there too: the sweep, for one
            gate.wait()

    event.listen(corner_shop.process.readers, "before_cursor_execute", hang)
    for _ in range(3):
        assert unavailable(await corner_shop.api.get("/readyz"))
        assert (await corner_shop.api.get("/livez")).status_code == 200
    await gate.is_reached()
    assert gate.came == 1
    gate.open()
    monkeypatch.setattr(health, "_LONGEST_PING_SECONDS", 10.0)
    assert (await corner_shop.api.get("/readyz")).status_code == 200


async def test_a_process_whose_threads_are_all_busy_is_ready(corner_shop: Shop, gate: Gate) -> None:
    busy = [asyncio.create_task(asyncio.to_thread(gate.wait)) for _ in range(40)]  # more than there are by default
    assert (await corner_shop.api.get("/readyz")).status_code == 200
    gate.open()
    await asyncio.gather(*busy)


async def test_a_process_stuck_in_a_transaction_function_is_not_alive(
    corner_shop: Shop, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_LONGEST_STUCK_SECONDS", 0.0)
    stuck = asyncio.ensure_future(corner_shop.process.write(gate.wait))
    await gate.is_reached()
    assert unavailable(await corner_shop.api.get("/livez"))
    gate.open()
    await stuck
    assert (await corner_shop.api.get("/livez")).status_code == 200


async def test_a_process_whose_database_hangs_in_a_transaction_function_is_alive(
    corner_shop: Shop, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_LONGEST_STUCK_SECONDS", 0.0)

    def ask_for_what_hangs(tx: Transaction) -> None:
        tx.core.connection.create_function("hang", 0, gate.wait)
        tx.core.execute(text("SELECT hang()"))

    waiting = asyncio.ensure_future(corner_shop.process.write(ask_for_what_hangs))
    await gate.is_reached()
    assert (await corner_shop.api.get("/livez")).status_code == 200
    gate.open()
    await waiting


async def test_the_database_is_not_asked_for_every_probe(own_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_ANSWER_GOOD_FOR_SECONDS", 60.0)
    assert (await own_shop.api.get("/readyz")).status_code == 200
    await own_shop.write("ALTER TABLE alembic_version RENAME TO hidden")
    assert (await own_shop.api.get("/readyz")).status_code == 200


async def test_a_process_that_recovers_its_database_is_ready_again(
    own_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_ANSWER_GOOD_FOR_SECONDS", -1.0)
    await own_shop.write("ALTER TABLE alembic_version RENAME TO hidden")
    assert unavailable(await own_shop.api.get("/readyz"))
    await own_shop.write("ALTER TABLE hidden RENAME TO alembic_version")
    assert (await own_shop.api.get("/readyz")).status_code == 200


async def test_a_process_that_was_declared_dead_is_not_alive(postgres_url: str, tmp_path: Path) -> None:
    async with open_shop(postgres_url, tmp_path) as shop:  # on SQLite nobody can: it holds the lock
        await shop.write("UPDATE processes SET state = 'dead'")
        with pytest.raises(Fenced):
            await shop.write("UPDATE products SET name = name")
        async with asyncio.timeout(10):
            while shop.process.failed is None:  # noqa: ASYNC110 - its callers are told a moment before it is
                await asyncio.sleep(0)
        assert unavailable(await shop.api.get("/livez"))
        assert unavailable(await shop.api.get("/readyz"))


async def test_the_answer_is_not_kept_by_caches(corner_shop: Shop) -> None:
    assert (await corner_shop.api.get("/readyz")).headers["cache-control"] == "no-store"
