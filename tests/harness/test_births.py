"""A process that is forked is like one that is executed, and no two of them are alike."""

import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.births import Executed, Forked, Nursery, Wanted

SCRIPTS = Path(sys.executable).parent


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    nursery = Nursery()
    yield nursery
    nursery.close()


@pytest.fixture
def script() -> Iterator[Path]:
    path = SCRIPTS / "a-script-of-test-births"
    yield path
    path.unlink()


def forked(nursery: Nursery, wanted: Wanted) -> Forked:
    born = nursery.bear(wanted)
    assert born is not None
    return born


def test_it_has_what_it_was_given_and_tells_how_it_ended(nursery: Nursery, script: Path, tmp_path: Path) -> None:
    script.write_text(
        textwrap.dedent(
            """
            import atexit, os, sys
            is_leader = os.getsid(0) == os.getpid()
            print(__name__, sys.argv[1:], os.environ["HERE"], os.getcwd(), is_leader, sys.stdin.read())
            print("an error", file=sys.stderr)
            atexit.register(print, "the end")
            sys.exit(3)
            """
        )
    )
    told = []
    for bear in (nursery.bear, Executed):
        log = tmp_path / f"{bear.__name__}.log"
        wanted = Wanted([sys.executable, str(script), "a", "b"], {"HERE": "yes"}, log, tmp_path)
        born = bear(wanted)
        assert born is not None
        told.append((born.wait()[0], sorted(log.read_text().splitlines())))
    assert told[0] == told[1]
    assert told[0] == (3, sorted([f"__main__ ['a', 'b'] yes {tmp_path} True ", "an error", "the end"]))


def test_ids_and_dice_are_its_own(nursery: Nursery, script: Path, tmp_path: Path) -> None:
    script.write_text(
        "import random; from uuid_utils.compat import uuid4, uuid7\n"
        "print(random.random(), uuid4(), str(uuid7())[-12:], sep='\\n')"
    )
    logs = [tmp_path / name for name in ("one", "other")]
    for log in logs:
        forked(nursery, Wanted([str(script)], {}, log)).wait()
    said = [line for log in logs for line in log.read_text().splitlines()]
    assert len(said) == len(set(said)) == 6


def test_a_killed_one_is_told_of_and_the_next_one_lives(nursery: Nursery, script: Path, tmp_path: Path) -> None:
    script.write_text("import os; os.kill(os.getpid(), 9)")
    assert forked(nursery, Wanted([str(script)], {}, tmp_path / "log")).wait()[0] == -9
    script.write_text("")
    assert forked(nursery, Wanted([str(script)], {}, tmp_path / "log")).wait()[0] == 0


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted([sys.executable, "-c", "print()"], {}, Path("log")),
        Wanted([str(SCRIPTS / "orders")], {"PYTHONPATH": "/another/release"}, Path("log")),
        Wanted(["/usr/bin/env"], {}, Path("log")),
    ],
    ids=["code", "another release", "another program"],
)
def test_what_is_not_ours_is_executed(nursery: Nursery, wanted: Wanted) -> None:
    assert nursery.bear(wanted) is None
