"""A function that never comes back is told apart from a database that never answers."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import OperationalError

from pipelines import Transaction
from pipelines.committer.pulse import Pulse
from tests.builders.desk import Desk, open_desk


class Watch:
    """A clock that somebody moves."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def connection() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.fixture
def pulse(connection: Connection, watch: Watch) -> Pulse:
    return Pulse(connection.engine, watch)


def test_time_spent_in_a_function_counts(pulse: Pulse, watch: Watch) -> None:
    with pulse:
        watch.now += 40
        assert pulse.stuck_seconds == 40


def test_time_before_and_after_does_not_count(pulse: Pulse, watch: Watch) -> None:
    watch.now += 40
    with pulse:
        assert pulse.stuck_seconds == 0
    watch.now += 40
    assert pulse.stuck_seconds == 0


def test_time_that_the_database_takes_does_not_count(pulse: Pulse, watch: Watch, connection: Connection) -> None:
    seen: list[float] = []

    def take_an_hour() -> None:
        watch.now += 3600
        seen.append(pulse.stuck_seconds)

    connection.connection.create_function("take_an_hour", 0, take_an_hour)
    with pulse:
        connection.execute(text("SELECT take_an_hour()"))
        assert [*seen, pulse.stuck_seconds] == [0, 0]
        watch.now += 40
        assert pulse.stuck_seconds == 40


def test_after_a_refused_statement_time_counts_again(pulse: Pulse, watch: Watch, connection: Connection) -> None:
    with pulse:
        with pytest.raises(OperationalError):
            connection.execute(text("SELECT nothing()"))
        watch.now += 40
        assert pulse.stuck_seconds == 40


def test_what_is_asked_outside_of_functions_starts_nothing(pulse: Pulse, watch: Watch, connection: Connection) -> None:
    connection.execute(text("SELECT 1"))
    watch.now += 40
    assert pulse.stuck_seconds == 0


async def test_a_process_knows_that_it_is_stuck_and_that_it_is_no_more(sqlite_desk: Desk) -> None:
    has_begun, may_go_on = threading.Event(), threading.Event()

    def hang(_: Transaction) -> None:
        has_begun.set()
        may_go_on.wait()

    hanging = asyncio.ensure_future(sqlite_desk.process.write(hang))
    await asyncio.to_thread(has_begun.wait)
    stuck_seconds = sqlite_desk.process.stuck_seconds
    may_go_on.set()
    await hanging
    assert stuck_seconds > 0
    assert sqlite_desk.process.stuck_seconds == 0


async def test_a_process_whose_writer_has_ended_is_stuck_for_good(sqlite_url: str) -> None:
    async with open_desk(sqlite_url) as desk:
        pass
    assert desk.process.stuck_seconds == float("inf")
