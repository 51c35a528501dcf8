"""One run among many kills every process that takes it: it is quarantined, and the others are done as if it were not.

The deaths are real: with them dies what was in flight, and whoever takes over knows the journal only.
"""

import json
import os
import signal
import sys
from pathlib import Path
from uuid import UUID

import pytest

from pipelines import RunRecord, RunState, Transaction, start
from tests.acceptance.poisoned import DIED, KINDS, Errand
from tests.builders.world import noted, staged
from tests.harness.processes import ServiceProcess

GOOD = 30
POISON = GOOD // 2  # its number: some have begun before it
SHARED, ALONE = 2, 3  # deaths
SQLITE, POSTGRESQL = "sqlite", "postgresql"


@pytest.mark.parametrize(
    ("database_url", "kind", "code", "processes"),
    [
        (SQLITE, "exit in a call", DIED, 1),
        (SQLITE, "segfault in a call", -signal.SIGSEGV, 1),
        (SQLITE, "exit in a transaction", DIED, 1),
        (POSTGRESQL, "exit in a call", DIED, 2),
    ],
    indirect=["database_url"],
)
async def test_what_kills_its_process_is_quarantined_and_harms_no_other(
    database_url: str, tmp_path: Path, kind: str, code: int, processes: int
) -> None:
    async with staged(database_url, [], slots=0) as stage:
        await stage.write(start_all, kind)
    deaths = await died(database_url, tmp_path, kind, processes)
    async with staged(database_url, [], slots=0) as stage:
        states = {Errand.model_validate_json(run.payload).number: run for run in stage.runs()}
    poison = states.pop(POISON)
    assert {run.state for run in states.values()} == {RunState.COMPLETED}
    assert_told(poison, database_url)
    assert set(deaths) == {code}
    assert deaths[code] == SHARED + ALONE if processes == 1 else deaths[code] >= SHARED + ALONE


def start_all(tx: Transaction, kind: str) -> list[UUID]:
    return [start(tx, KINDS[kind], Errand(number=each, is_poison=each == POISON)) for each in range(GOOD + 1)]


async def died(database_url: str, folder: Path, kind: str, processes: int) -> dict[int, int]:
    """How often a process died, and of what."""
    launcher = Path(__file__).with_name("poisoned.py")
    supervisor = ServiceProcess(
        [sys.executable, str(launcher), database_url, kind, str(processes)],
        environment=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        log=folder / "poisoned.log",
    )
    supervisor.start()
    try:
        ended = await supervisor.until_exit()
    finally:
        await supervisor.kill()
    assert ended.code == 0, supervisor.log_end()
    codes = {int(code): count for code, count in json.loads(supervisor.log_end(lines=1)).items()}
    assert codes.pop(0) == processes
    return codes


def assert_told(poison: RunRecord, database_url: str) -> None:
    """Everybody's record says once how it ended, and each effect is there once."""
    assert poison.state is RunState.QUARANTINED
    assert f" killed {ALONE} processes in which it was alone" in str(poison.reason)
    innocents = [number for number in range(GOOD + 1) if number != POISON]
    effects = [f"{number} is {what}" for number in innocents for what in ("completed", "written")]
    assert sorted(noted(database_url)) == sorted([*effects, f"{POISON} is quarantined"])
