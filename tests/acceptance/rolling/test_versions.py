"""Two releases whose pipelines differ: each finishes its own runs, and leaves the other's alone until it is back."""

import asyncio
import json
from collections.abc import Set as AbstractSet
from pathlib import Path

from tests.builders.one_of_each import client_of
from tests.harness.client import OrderRequest
from tests.harness.facts import read_facts, read_order_runs
from tests.harness.orders import OrdersServer
from tests.harness.processes import running
from tests.harness.receiver import ACCEPT, HANG, Receiver, always
from tests.harness.releases import Release
from tests.harness.stage import Stage, staged

EACH = 3
OLD = ["validate_order", "reserve_stock", "send_confirmation", "notify_warehouse"]
NEW = ["reserve_stock", "confirm_by_mail", "weigh_parcel", "notify_warehouse"]


async def placed(stage: Stage, server: OrdersServer) -> set[str]:
    """The runs of so many orders."""
    async with stage.client(server) as client:
        heard = await client.place_all([OrderRequest((("lamp", 1),)) for _ in range(EACH)], connections=1)
    return {each.order["run"]["id"] for each in heard}


async def killed_at_work(stage: Stage, server: OrdersServer) -> set[str]:
    """The runs that it has left behind, each in its last step."""
    stage.receiver.behaviour = always(HANG)
    before = told_of(stage.receiver)
    left = await placed(stage, server)
    await stage.receiver.until(lambda receiver: len(told_of(receiver) - before) == EACH)
    await server.kill()
    stage.receiver.behaviour = always(ACCEPT)
    return left


def told_of(receiver: Receiver) -> set[str]:
    """By id: a call that is broken off is sent again."""
    return {delivery.webhook_id for delivery in receiver.deliveries}


async def until_left_alone(stage: Stage, runs: AbstractSet[str], by: OrdersServer) -> None:
    """Who is there has freed them, finishes all others, and takes none of them."""
    await stage.until_runs(lambda found: {run.id for run in found if run.state == "ready"} >= runs)
    await placed(stage, by)
    await stage.until_runs(lambda found: {run.id for run in found if run.state != "completed"} == runs)
    assert {run.state for run in read_order_runs(stage.database_url) if run.id in runs} == {"ready"}
    async with client_of(by.url) as api:
        assert {(await api.get(f"/v1/runs/{run}/why")).json()["code"] for run in runs} == {"unknown-version"}


async def gate(stage: Stage, release: Release) -> tuple[int | None, list[str]]:
    """What `orders check` of that release says, beside whoever is at work: its code, and what is amiss with which."""
    environment = {**stage.installation.environment, **release.environment}
    asked = await asyncio.create_subprocess_exec(
        *release.command("check", "--json"), env=environment, stdout=asyncio.subprocess.PIPE
    )
    said = json.loads((await asked.communicate())[0])
    return asked.returncode, [f"{each['runs']} {each['kind']}" for each in said["troubles"]]


def steps_of(stage: Stage, runs: AbstractSet[str]) -> list[list[str]]:
    """Which steps have succeeded; all runs of one kind say the same."""
    tried = read_facts(stage.database_url).attempts
    return [
        list(steps) for steps in {tuple(each.step for each in tried[run] if each.outcome == "success") for run in runs}
    ]


async def test_runs_of_another_version_wait_for_their_release(
    before: Release, postgres_url: str, tmp_path: Path
) -> None:
    async with staged(postgres_url, tmp_path, stock={"lamp": 100}, lease_seconds=5) as stage:
        old, new = stage.installation.server_of(before), stage.installation.server("new", "has_other_steps")
        async with running(old, old.ready_url), running(new, new.ready_url):
            of_new = await killed_at_work(stage, new)  # as if it were rolled back
            await until_left_alone(stage, of_new, by=old)
            assert await gate(stage, before) == (1, [f"{EACH} unknown-version"])
            of_old = await killed_at_work(stage, old)  # as in an upgrade without an upcast
            await new.serve()
            await until_left_alone(stage, of_old, by=new)
        found = {run.id: run.state for run in read_order_runs(postgres_url)}
        assert {state for run, state in found.items() if run not in of_old} == {"completed"}
        assert steps_of(stage, of_new) == [NEW]
        assert steps_of(stage, of_old) == [OLD[:-1]]
        assert len(stage.receiver.accepted) == 3 * EACH
