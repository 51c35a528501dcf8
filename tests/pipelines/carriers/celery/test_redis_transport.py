"""When Redis goes away, what a worker has in hand is let go: nothing is raised that would end the worker."""

from collections.abc import Iterator

import pytest

from pipelines.carriers.celery import celery_app
from pipelines.carriers.celery.application import QUEUE
from tests.builders.desk import PATIENCE_SECONDS
from tests.harness.redis_server import RedisServer, own_redis


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with own_redis() as redis:
        yield redis


@pytest.mark.parametrize("what_follows", ["ack", "reject"])
def test_a_message_in_hand_is_let_go(redis: RedisServer, what_follows: str) -> None:
    connection = celery_app("worker", redis.url).connection_for_read()
    queue = connection.SimpleQueue(QUEUE)
    queue.put("a message")
    message = queue.get(timeout=PATIENCE_SECONDS)
    redis.kill()
    connection.collect()
    connection.close()
    getattr(message, what_follows)()
    assert message.acknowledged
