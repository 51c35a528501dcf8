"""A process in a thread: started or refused, asked from other threads, drained, and told of when it fails."""

import threading
from collections.abc import Iterator
from uuid import UUID

import pytest
from sqlalchemy import update

from pipelines import JournalTooOld, Pipeline, Process, StepContext, start
from pipelines.carriers.celery.tenant import Tenant
from pipelines.fastapi import running
from pipelines.journal import open_for_writing
from pipelines.journal.tables import processes
from pipelines.testing import create_tables
from tests.builders.world import Trip
from tests.harness.postgres import Postgres, fresh_database

POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
PATIENCE_SECONDS = 30.0


class Doors:
    """Where a step stands, for threads that know nothing of its loop."""

    def __init__(self) -> None:
        self.passed: list[str] = []
        self.came = threading.Event()


def one_call() -> Pipeline[Trip]:
    pipeline = Pipeline("trip", Trip)

    @pipeline.step()
    async def go(trip: Trip, doors: Doors, step: StepContext) -> None:
        doors.passed.append(trip.to)
        doors.came.set()

    return pipeline


@pytest.fixture
def doors() -> Doors:
    return Doors()


@pytest.fixture
def failed() -> threading.Event:
    return threading.Event()


def tenant_of(url: str, doors: Doors, failed: threading.Event) -> Tenant:
    pipelines = [one_call()]
    return Tenant(lambda: running(Process(url, pipelines, provide={Doors: doors})), None, on_failure=failed.set)


@pytest.fixture
def tenant(database_url: str, doors: Doors, failed: threading.Event) -> Iterator[Tenant]:
    """Not started yet."""
    tenant = tenant_of(database_url, doors, failed)
    yield tenant
    tenant.stop()


async def started_elsewhere(database_url: str) -> UUID:
    create_tables(database_url)
    elsewhere = Process(database_url, slots=0)
    await elsewhere.start(sweeping=False)
    try:
        return await elsewhere.write(start, one_call(), Trip())
    finally:
        await elsewhere.stop()


@POSTGRESQL
async def test_a_run_that_is_named_is_carried_on_and_the_end_is_no_failure(
    database_url: str, tenant: Tenant, doors: Doors, failed: threading.Event
) -> None:
    run_id = await started_elsewhere(database_url)
    tenant.start()
    tenant.take(run_id)  # or it has found it itself by now
    assert doors.came.wait(PATIENCE_SECONDS)
    assert not tenant.take(run_id)
    tenant.leave()
    assert not tenant.take(run_id)
    tenant.stop()
    assert doors.passed == ["Oslo"]
    assert not failed.is_set()


def test_what_keeps_it_from_starting_is_raised(postgres: Postgres, doors: Doors, failed: threading.Event) -> None:
    with fresh_database(postgres) as bare, pytest.raises(JournalTooOld):
        tenant_of(bare, doors, failed).start()
    assert not failed.is_set()


@POSTGRESQL
def test_a_process_that_may_write_no_more_ends_its_host(
    database_url: str, tenant: Tenant, failed: threading.Event
) -> None:
    create_tables(database_url)
    tenant.start()
    engine = open_for_writing(database_url)
    with engine.begin() as connection:
        connection.execute(update(processes).values(state="dead"))
    engine.dispose()
    tenant.take(UUID(int=0))  # it writes, and learns it
    assert failed.wait(PATIENCE_SECONDS)
    tenant.stop()
    assert tenant.failure is not None
    assert "dead" in tenant.failure
