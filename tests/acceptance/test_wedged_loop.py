"""The loop of a process is blocked for longer than its lease, and its threads go on: to others it is dead."""

import asyncio
from pathlib import Path

import aiohttp
import pytest

from tests.harness.client import OrderRequest
from tests.harness.facts import read_dead_pids, read_facts
from tests.harness.postgres import Postgres, fresh_database
from tests.harness.receiver import ACCEPT, Answer, Behaviour
from tests.harness.stage import staged, until

FENCED = 70  # the exit code of a process that may write no more


async def test_a_process_whose_loop_is_blocked_loses_its_lease_and_its_work(postgres: Postgres, tmp_path: Path) -> None:
    over, late = tmp_path / "over", asyncio.Event()
    with fresh_database(postgres) as url:
        async with staged(url, tmp_path, stock={"lamp": 10}, lease_seconds=2) as stage:
            serving = stage.installation.serving
            async with serving("wedged", f"wedges_its_loop={over}") as wedged, serving("rescuer") as rescuer:
                stage.receiver.behaviour = _keeps_the_first_waiting(late)
                async with stage.client(wedged) as client:
                    await client.place(OrderRequest((("lamp", 1),)))
                await stage.receiver.until(lambda receiver: bool(receiver.deliveries))
                wedged.nudge()
                await until(lambda: wedged.pid in read_dead_pids(url))
                with pytest.raises(TimeoutError):
                    await _livez(wedged.url, within_seconds=1)
                assert await _livez(rescuer.url, within_seconds=10) == 200
                await stage.until_settled()
                assert wedged.is_running
                late.set()
                over.touch()
                assert (await wedged.until_exit()).code == FENCED
            assert {order.status for order in read_facts(url).orders.values()} == {"completed"}
            assert stage.violations() == []


def _keeps_the_first_waiting(late: asyncio.Event) -> Behaviour:
    return lambda delivery: Answer(kept_until=late) if delivery.number == 1 else ACCEPT


async def _livez(url: str, *, within_seconds: float) -> int:
    limit = aiohttp.ClientTimeout(total=within_seconds)
    async with aiohttp.ClientSession(timeout=limit) as http, http.get(f"{url}/livez") as answer:
        return answer.status
