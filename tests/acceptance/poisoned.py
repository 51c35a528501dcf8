"""Worker processes that die of what they run, and start again at once, until no run is left to carry on.

python poisoned.py database-url kind processes; the last line it prints is how each process ended, as JSON.
"""

import asyncio
import ctypes
import json
import os
import resource
import sys
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

from pydantic import BaseModel
from sqlalchemy import func, select

from pipelines import Ending, Pipeline, Process, ReadSession, Rhythm, StepContext, Transaction
from pipelines.journal import reaping
from pipelines.journal.tables import runs
from tests.builders.world import note

DIED = 66
LONGEST_STEP_SECONDS = 0.005
LOOK_SECONDS = 0.02


class Errand(BaseModel):
    """Good ones take a while."""

    number: int = 0
    is_poison: bool = False


def exit_at_once() -> None:
    os._exit(DIED)


def read_nothing() -> None:
    ctypes.string_at(0)


def errands(in_action: Callable[[], None], in_transaction: Callable[[], None]) -> Pipeline[Errand]:
    """A call, then a write; a poison dies in one of them."""
    pipeline = Pipeline("errand", Errand)

    @pipeline.step()
    async def call(errand: Errand, step: StepContext) -> None:
        assert step.idempotency_key
        await asyncio.sleep(errand.number % 7 / 7 * LONGEST_STEP_SECONDS)
        if errand.is_poison:
            in_action()

    @pipeline.step()
    def write(errand: Errand, tx: Transaction) -> None:
        note(tx, f"{errand.number} is written")
        if errand.is_poison:
            in_transaction()

    @pipeline.at_end
    def tell(errand: Errand, ending: Ending, tx: Transaction) -> None:
        note(tx, f"{errand.number} is {ending.state}")

    return pipeline


KINDS = {
    "exit in a call": errands(exit_at_once, exit_at_once),
    "segfault in a call": errands(read_nothing, exit_at_once),
    "exit in a transaction": errands(lambda: None, exit_at_once),
}


def is_all_over(process: Process) -> bool:
    with ReadSession(process.readers) as session:
        unfinished = select(func.count()).select_from(runs).where(runs.c.finished_at.is_(None))
        return not session.execute(unfinished).scalar_one()


async def live(database_url: str, kind: str, parent: int) -> None:
    """Carry on whatever there is, to the end of all of it."""
    rhythm = Rhythm(lease=timedelta(seconds=1), sweep=timedelta(seconds=0.1))
    process = Process(database_url, [KINDS[kind]], rhythm=rhythm)
    await process.start()
    try:
        while not await asyncio.to_thread(is_all_over, process):
            if os.getppid() != parent:
                exit_at_once()  # the test is gone
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        await process.stop()


def born(database_url: str, kind: str) -> int:
    """A process of its own, which has imported everything already."""
    parent = os.getpid()
    if child := os.fork():
        return child
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    asyncio.run(live(database_url, kind, parent))
    os._exit(0)


def supervise(database_url: str, kind: str, processes: int) -> Counter[int]:
    """How many ended how; who died has a successor."""
    reaping.LONGEST_PAUSE_SECONDS = 0.0  # no pauses between deaths
    ended: Counter[int] = Counter()
    living = {born(database_url, kind) for _ in range(processes)}
    while living:
        pid, status = os.wait()
        living.remove(pid)
        code = os.waitstatus_to_exitcode(status)
        ended[code] += 1
        if code != 0:
            living.add(born(database_url, kind))
    return ended


if __name__ == "__main__":
    sys.stdout.write(json.dumps(supervise(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
