import asyncio
from pathlib import Path

import httpx2
import pytest

from orders_service import health
from pipelines import Fenced
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


async def test_the_database_is_not_asked_for_every_probe(own_shop: Shop) -> None:
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
