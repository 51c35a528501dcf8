"""A COMMIT whose wait for a standby is broken off: everybody sees it, and no standby has it yet."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import psycopg
import pytest

from tests.builders.desk import Desk, adding, make_tables, open_desk
from tests.harness.postgres import OwnPostgres, own_postgres
from tests.harness.stage import until

_WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


@pytest.fixture
def server() -> Iterator[OwnPostgres]:
    with own_postgres() as server:
        make_tables(server.url)
        yield server


@pytest.mark.parametrize("breaks_it_off", ["pg_terminate_backend", "pg_cancel_backend"])
async def test_it_is_acknowledged_only_when_a_standby_has_it(server: OwnPostgres, breaks_it_off: str) -> None:
    async with open_desk(server.url) as desk:
        with _nobody_confirms(server):
            number, writing = await _first_that_waits(desk, server)
            for _ in range(2):  # then that of whoever asks what became of it
                [waits] = _waiting(server)
                _ask(server, f"SELECT {breaks_it_off}({waits})")
                await until(lambda: number in desk.notes())
                await until(lambda waits=waits: waits not in _waiting(server) != [])  # type: ignore[misc]
            assert not writing.done()
        assert await writing == number
        assert desk.notes() == list(range(number + 1))


async def _first_that_waits(desk: Desk, server: OwnPostgres) -> tuple[int, asyncio.Task[int]]:
    """The server reads its settings again when it gets to it, and commits as before until then."""
    for number in count():
        writing = asyncio.create_task(desk.committer.progress(adding(number)))
        await until(lambda task=writing: task.done() or len(_waiting(server)) == 1)  # type: ignore[misc]
        if not writing.done():
            break
    return number, writing


@contextmanager
def _nobody_confirms(server: OwnPostgres) -> Iterator[None]:
    """COMMITs wait for a standby that there is not."""
    _ask(server, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    _ask(server, "SELECT pg_reload_conf()")
    try:
        yield
    finally:
        _ask(server, "ALTER SYSTEM RESET synchronous_standby_names")
        _ask(server, "SELECT pg_reload_conf()")


def _waiting(server: OwnPostgres) -> list[int]:
    with psycopg.connect(server.url, autocommit=True) as connection:
        return [pid for (pid,) in connection.execute(_WAITING).fetchall()]


def _ask(server: OwnPostgres, question: str) -> None:
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(question)
