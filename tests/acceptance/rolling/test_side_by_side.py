"""The release before and this one take each other's place under load, on a schema to which a third has added."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.builders.one_of_each import client_of, one_of_each
from tests.harness.load import Load, under_load
from tests.harness.next_release import NextRelease
from tests.harness.orders import SECRET, OrdersServer
from tests.harness.processes import running
from tests.harness.receiver import Answer, always, webhook_receiver
from tests.harness.releases import Release
from tests.harness.stage import Stage, staged

# Few slots and a slow warehouse: who leaves always leaves something behind, and there is no more than a little to do.
SLOW = {"worker_slots": 4}


async def leaves(load: Load, leaving: OrdersServer, staying: OrdersServer) -> None:
    """As in a rollout: taken from the list first, and then told to go: it would hang up on who has just asked."""
    await load.client.turn_to(staying.url)
    leaving.terminate()
    assert (await leaving.until_exit()).code == 0, leaving.log_end()
    await load.goes_on()


async def upgraded(stage: Stage, old: OrdersServer, new: OrdersServer) -> None:
    """The new one comes and the old one leaves; then the old one is back, and both work."""
    async with under_load(stage, old) as load:
        await load.goes_on()
        await new.serve()
        await load.client.turn_to(old.url, new.url)
        await load.goes_on()
        await leaves(load, old, new)
        await old.serve()
        await load.client.turn_to(old.url, new.url)
        await load.goes_on()
    await stage.until_settled()
    assert stage.violations() == []


async def rolled_back(stage: Stage, old: OrdersServer, new: OrdersServer) -> None:
    async with under_load(stage, old, new) as load:
        await load.goes_on()
        await leaves(load, new, old)
    await stage.until_runs(lambda found: {(run.state, run.crashes) for run in found} == {("completed", 0)})
    assert load.statuses() <= {201, 503}


async def compared(stage: Stage, old: OrdersServer, new: OrdersServer) -> None:
    """Each makes one of everything, and both show all of it alike."""
    async with (
        webhook_receiver("") as one,
        webhook_receiver("") as another,
        client_of(old.url) as theirs,
        client_of(new.url) as ours,
    ):
        paths = [
            path
            for api, subscriber in ((theirs, one), (ours, another))
            for path in await one_of_each(api, rest=stage.until_settled, secret=SECRET, subscriber=subscriber)
        ]
        for path in paths:
            answers = await asyncio.gather(theirs.get(path), ours.get(path))
            assert [answer.status_code for answer in answers] == [200, 200], (path, answers[0].text)
            if "json" in answers[0].headers["content-type"]:
                assert list(lacking(*(answer.json() for answer in answers))) == [], path


def lacking(theirs: Any, ours: Any, place: str = "") -> Iterable[str]:
    """What the release before says and this one does not: a field that was left out, or another kind of value."""
    match theirs, ours:
        case dict(), dict():
            yield from (f"{place}.{name}" for name in theirs if name not in ours)
            for name in theirs.keys() & ours:
                yield from lacking(theirs[name], ours[name], name)
        case list(), list():
            for each in zip(theirs, ours, strict=True):
                yield from lacking(*each, place)
        case _ if type(theirs) is not type(ours):
            yield f"{place}: {theirs!r}, {ours!r}"


async def test_two_releases_work_side_by_side(
    before: Release, after: NextRelease, postgres_url: str, tmp_path: Path
) -> None:
    async with staged(postgres_url, tmp_path, stock={"lamp": 100_000}, **SLOW) as stage:
        await asyncio.to_thread(after.migrate, postgres_url)
        stage.receiver.behaviour = always(Answer(delay_seconds=0.1))
        old, new = stage.installation.server_of(before), stage.installation.server()
        async with running(old, old.ready_url):
            try:
                await upgraded(stage, old, new)
                await compared(stage, old, new)
                await rolled_back(stage, old, new)
            finally:
                await new.kill()
    assert "Traceback" not in old.log.read_text() + new.log.read_text()
