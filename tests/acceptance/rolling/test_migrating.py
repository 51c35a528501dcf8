"""The next release migrates a database that is full and in use: many at once, and the one that works is killed."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from orders_service import schema
from tests.harness import schemas
from tests.harness.load import under_load
from tests.harness.next_release import REVISION, NextRelease
from tests.harness.processes import ServiceProcess, running
from tests.harness.receiver import Answer, always
from tests.harness.releases import Release
from tests.harness.stage import Stage, staged, until

ENDED = 20_000
OTHERS = 4
_HISTORY = """
INSERT INTO runs (id, pipeline, version, state, step, fence, due_at, generation, attempt, errors, crashes, solo,
                  solo_deaths, payload, created_at, step_since, finished_at)
SELECT gen_random_uuid(), 'old-pipeline', '1', 'completed', 'last', 1, now(), 0, 0, 0, 0, false,
       0, '{}', now(), now(), now()
  FROM generate_series(1, %s)
"""
_BUILDERS = """
SELECT pid FROM pg_stat_activity
 WHERE query LIKE 'CREATE INDEX CONCURRENTLY%' AND wait_event_type = 'Lock' AND datname = current_database()
"""
_INVALID = "SELECT count(*) FROM pg_index WHERE NOT indisvalid"


@contextmanager
def long_report(url: str) -> Iterator[None]:
    """Somebody who looks at one moment for long: no index is finished before."""
    with psycopg.connect(url) as reader:
        reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        reader.execute("SELECT 1")
        yield


def migrator(stage: Stage, after: NextRelease, name: str) -> ServiceProcess:
    environment, log = stage.installation.environment, stage.folder / f"{name}.log"
    return ServiceProcess(after.command("migrate"), environment=environment, log=log, folder=stage.folder)


def builders(observer: psycopg.Connection) -> set[int]:
    return {pid for (pid,) in observer.execute(_BUILDERS)}


async def killed_while_it_builds(observer: psycopg.Connection, first: ServiceProcess) -> int:
    """The backend that a dead migrator has left behind."""
    await until(lambda: bool(builders(observer)))
    [left] = builders(observer)
    await first.kill()
    return left


async def test_many_migrate_under_load_and_one_is_killed_at_it(
    before: Release, after: NextRelease, postgres_url: str, tmp_path: Path
) -> None:
    async with staged(postgres_url, tmp_path, stock={"lamp": 100_000}, worker_slots=4) as stage:
        stage.receiver.behaviour = always(Answer(delay_seconds=0.1))
        server, first = stage.installation.server_of(before), migrator(stage, after, "first")
        others = [migrator(stage, after, f"other-{number}") for number in range(OTHERS)]
        with psycopg.connect(postgres_url, autocommit=True) as observer:
            observer.execute(_HISTORY, [ENDED])
            async with running(server, server.ready_url):
                async with under_load(stage, server) as load:
                    with long_report(postgres_url):
                        for each in (first, *others):
                            each.start()
                            await until(lambda: bool(builders(observer)))  # the others find it at work
                        left = await killed_while_it_builds(observer, first)
                        await until(lambda: bool(builders(observer) - {left}))  # another has taken over
                        await load.goes_on()
                    ended = await asyncio.gather(*(other.until_exit() for other in others))
                    await load.goes_on()
                await stage.until_settled()
            assert [each.code for each in ended] == [0] * OTHERS, [other.log_end() for other in others]
            assert observer.execute(_INVALID).fetchone() == (0,)
        with schemas.connected(postgres_url) as connection:
            assert schema.current_revision(connection) == REVISION
    assert load.statuses() <= {201, 503}
    assert stage.violations() == []
