"""A process's row: it counts the batches, renews the lease, and ends all writing once it says dead."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, select, update
from sqlalchemy.exc import IntegrityError

from pipelines import JournalTooOld
from pipelines.committer import Answer
from pipelines.journal import Presence, open_for_writing
from pipelines.journal.tables import processes
from pipelines.testing import VirtualClock, create_tables
from tests.harness.clocks import ROUNDING

LEASE = timedelta(seconds=15)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    create_tables(database_url)
    engine = open_for_writing(database_url)
    yield engine
    engine.dispose()


def registered(engine: Engine, clock: VirtualClock | None = None) -> tuple[UUID, Presence]:
    me = uuid4()
    presence = Presence(me, lease=LEASE, clock=clock or VirtualClock())
    presence.register(engine)
    return me, presence


def test_batches_are_counted_one_by_one(engine: Engine) -> None:
    _, presence = registered(engine)
    with engine.begin() as connection:
        counted = [presence.advance(connection, batch) for batch in (1, 2, 2, 4, 3)]
    assert counted == [True, True, False, False, True]
    assert presence.ask(engine) == Answer(3, dead=False)


def test_each_batch_renews_the_lease(engine: Engine) -> None:
    clock = VirtualClock()
    me, presence = registered(engine, clock)
    clock.advance(timedelta(minutes=1))
    before = clock.now()
    with engine.begin() as connection:
        presence.advance(connection, 1)
        until = connection.execute(select(processes.c.lease_until).where(processes.c.id == me)).scalar_one()
    assert before + LEASE - ROUNDING <= until <= clock.now() + LEASE + ROUNDING


def test_the_dead_write_no_more(engine: Engine) -> None:
    me, presence = registered(engine)
    with engine.begin() as connection:
        connection.execute(update(processes).where(processes.c.id == me).values(state="dead"))
        assert not presence.advance(connection, 1)
    assert presence.ask(engine) == Answer(0, dead=True)


def test_a_process_that_was_never_there_has_no_answer(engine: Engine) -> None:
    assert Presence(uuid4(), lease=LEASE, clock=VirtualClock()).ask(engine) is None


@pytest.mark.parametrize(
    ("lost", "named"),
    [("DROP TABLE schedules", "schedules"), ("ALTER TABLE processes DROP COLUMN knows", "processes.knows")],
)
def test_a_database_that_nobody_migrated_is_told_so(engine: Engine, lost: str, named: str) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(lost)
        connection.exec_driver_sql("ALTER TABLE processes RENAME COLUMN host TO home")
    with pytest.raises(JournalTooOld, match=rf"has no .*{named}.*: migrate it.*create_tables=True"):
        registered(engine)


def test_another_failure_at_the_start_stays_what_it_is(engine: Engine) -> None:
    _, presence = registered(engine)
    with pytest.raises(IntegrityError):
        presence.register(engine)
