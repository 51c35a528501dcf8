"""Wake-ups reach a broker, the urgent ones first; a broker that is away costs nobody anything but time."""

import base64
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from pipelines import Priority
from pipelines.carriers.celery import CeleryCarrier, celery_app, publishing
from pipelines.carriers.celery.application import QUEUE, TASK, priorities
from pipelines.carriers.celery.publishing import BETWEEN_LOOKS, MOST_AT_ONCE
from pipelines.events import CarrierChanged, Event, WakeUpsSent
from tests.harness.redis_server import RedisServer, own_redis

PATIENCE_SECONDS = 30


class Heard:
    """What a carrier told, from whatever thread."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._news = threading.Condition()

    def __call__(self, event: Event) -> None:
        with self._news:
            self.events.append(event)
            self._news.notify_all()

    def count(self, outcome: str) -> int:
        return sum(each.count for each in self.events if isinstance(each, WakeUpsSent) and each.outcome == outcome)

    def until(self, condition: Callable[[], bool]) -> None:
        with self._news:
            assert self._news.wait_for(condition, PATIENCE_SECONDS), self.events


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with own_redis() as redis:
        yield redis


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def carrier(redis: RedisServer, heard: Heard) -> Iterator[CeleryCarrier]:
    redis.flush()
    carrier = CeleryCarrier(celery_app("test", redis.url))
    carrier.open(heard)
    yield carrier
    carrier.close()


def in_line(redis: RedisServer) -> list[UUID]:
    """The runs that are named in the queue, in the order in which a worker reads them."""
    lists = [QUEUE, *(f"{QUEUE}\x06\x16{step}" for step in (3, 6, 9))]
    messages = [json.loads(each) for name in lists for each in reversed(redis.client.lrange(name, 0, -1))]
    assert {each["headers"]["task"] for each in messages} <= {TASK}
    return [UUID(json.loads(base64.b64decode(each["body"]))[0][0]) for each in messages]


def test_the_urgent_ones_are_read_first_and_others_in_their_order(
    carrier: CeleryCarrier, redis: RedisServer, heard: Heard
) -> None:
    low, first, second, high = [uuid7() for _ in range(4)]
    for run_id, priority in ((low, Priority.LOW), (first, Priority.NORMAL), (second, Priority.NORMAL)):
        carrier.wake(run_id, priority)
    carrier.wake(high, Priority.HIGH)
    heard.until(lambda: heard.count("published") == 4)
    assert in_line(redis) == [high, first, second, low]


def test_rabbitmq_which_takes_the_highest_number_first_gets_other_numbers() -> None:
    of = priorities(celery_app("test", "amqp://nobody@localhost//"))
    assert of[Priority.HIGH] > of[Priority.NORMAL] > of[Priority.LOW]


def test_many_are_published_and_none_is_lost(carrier: CeleryCarrier, redis: RedisServer, heard: Heard) -> None:
    named = [uuid7() for _ in range(500)]
    for run_id in named:
        carrier.wake(run_id, Priority.NORMAL)
    heard.until(lambda: heard.count("published") == len(named))
    assert in_line(redis) == named


def test_what_waits_when_the_process_ends_is_published(
    carrier: CeleryCarrier, redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "LAST_WORDS_SECONDS", PATIENCE_SECONDS)
    named = [uuid7() for _ in range(5)]
    for run_id in named:
        carrier.wake(run_id, Priority.NORMAL)
    carrier.close()
    assert in_line(redis) == named


def test_a_redis_that_nobody_reads_does_not_grow_for_ever(redis: RedisServer, heard: Heard) -> None:
    redis.flush()
    carrier = CeleryCarrier(celery_app("test", redis.url), most_unread=100)
    carrier.open(heard)
    for _ in range(2 * BETWEEN_LOOKS):
        carrier.wake(uuid7(), Priority.NORMAL)
    heard.until(lambda: heard.count("published") + heard.count("failed") + heard.count("dropped") == 2 * BETWEEN_LOOKS)
    assert len(in_line(redis)) == heard.count("published") < 100 + BETWEEN_LOOKS + MOST_AT_ONCE
    redis.flush()  # somebody has read them
    published = heard.count("published")
    while heard.count("published") == published:
        carrier.wake(uuid7(), Priority.NORMAL)
        threading.Event().wait(0.05)
    heard.until(lambda: CarrierChanged(None) in heard.events)
    carrier.close()
    assert [each.error for each in heard.events if isinstance(each, CarrierChanged)] == ["NobodyReads", None]


def test_a_broker_that_goes_away_is_left_alone_for_a_moment_and_found_again(
    heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "_PAUSES", (3600.0,))
    with own_redis() as redis:
        carrier = CeleryCarrier(celery_app("test", redis.url))
        carrier.open(heard)
        carrier.wake(uuid7(), Priority.NORMAL)
        heard.until(lambda: heard.count("published") == 1)
        redis.kill()
        carrier.wake(uuid7(), Priority.NORMAL)
        heard.until(lambda: heard.count("failed") == 1)
        carrier.wake(uuid7(), Priority.NORMAL)
        assert heard.count("dropped") == 1
        redis.start()
        carrier._away_until = 0.0  # the moment is over: it tries again with what comes
        carrier.wake(uuid7(), Priority.NORMAL)
        heard.until(lambda: CarrierChanged(None) in heard.events)
        assert heard.count("published") == 2
        carrier.close()
    [away, back] = [each.error for each in heard.events if isinstance(each, CarrierChanged)]
    assert (away, back) == ("ConnectionError", None)


def test_no_more_wait_than_may(heard: Heard) -> None:
    carrier = CeleryCarrier(celery_app("test", "redis://127.0.0.1:1/0"), most_waiting=2)
    carrier._tell = heard  # not opened: nobody takes what waits
    for _ in range(5):
        carrier.wake(uuid7(), Priority.NORMAL)
    assert heard.count("dropped") == 3


def test_without_celery_it_says_what_to_install() -> None:
    code = "import sys; sys.modules['celery'] = None; import pipelines.carriers.celery"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603 - ours
    assert 'pip install "celery[redis]"' in ended.stderr
