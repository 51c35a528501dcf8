"""The demonstration itself, as `make demo` runs it."""

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import pytest

from orders_service import cli, demo

TWICE = demo.Evidence(
    posted=["one"],
    doomed=[],
    statuses={"one": "completed"},
    parcels={"one": ["id-1"]},
    asked_for={"one": ["id-1"]},
    called_off={},
    confirmed={"one": ["m1", "m2"]},
    sold=1,
)
ORDERS = Path(sys.executable).with_name("orders")


async def played(folder: Path, *words: str) -> Process:
    """With a setting of ours that must not reach the server: it would refuse to start."""
    environment = {"PATH": os.environ["PATH"], "TMPDIR": str(folder), "ORDERS_LEASE_SECONDS": "soon"}
    return await asyncio.create_subprocess_exec(ORDERS, "demo", *words, env=environment, stdout=PIPE, stderr=PIPE)


def left_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def test_a_crash_is_shown_and_every_effect_counted(tmp_path: Path) -> None:
    process = await played(tmp_path)
    out, err = await process.communicate()
    lines = out.decode().splitlines()
    assert (process.returncode, err) == (0, b"")
    assert lines[-1].startswith("12 orders posted: 11 completed, 1 failed and undone; 11 parcels of ")
    assert lines[-1].endswith(", 12 confirmations, 11 pieces sold: nothing lost, nothing had twice.")
    [killed] = re.findall(r"kill -9 \d+\..* (\d+) are running", out.decode())
    assert int(killed) >= 4  # and whatever else the warehouse has just answered
    assert any(re.fullmatch(r"  Margaret's .*: retry(, retry)?, success\.", line) for line in lines)  # one may be cut
    assert left_in(tmp_path) == []


@pytest.mark.parametrize(("end", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 1)])
async def test_whoever_breaks_it_off_leaves_nothing_behind(tmp_path: Path, end: signal.Signals, code: int) -> None:
    process = await played(tmp_path, "--json")
    assert process.stderr is not None
    said = b""
    async with asyncio.timeout(60):
        while b" serves, after " not in said:
            said += await process.stderr.readline()
    process.send_signal(end)
    out, _ = await process.communicate()
    assert (process.returncode, out) == (code, b"")
    [pid] = re.findall(rb"Process (\d+) serves", said)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)
    assert left_in(tmp_path) == []


@pytest.mark.parametrize(
    ("words", "out"),
    [
        ([], "  order one was confirmed by mail 2 times, not 1\nCOUNT: 1 of these is WRONG.\n"),
        (["--json"], '{"count": "COUNT", "wrong": ["order one was confirmed by mail 2 times, not 1"]}\n'),
    ],
    ids=["people", "programs"],
)
def test_an_effect_that_was_had_twice_is_told_and_ends_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], out: str
) -> None:
    """The story is made up: the service would not do it."""
    monkeypatch.setattr(demo, "tell", lambda _: TWICE)
    monkeypatch.setattr(sys, "argv", ["orders", "demo", *words])
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit, match="1"):
        cli.main()
    signal.signal(signal.SIGTERM, before)
    assert capsys.readouterr().out.replace(demo.summed_up(TWICE), "COUNT") == out
