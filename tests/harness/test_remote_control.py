"""What the tests say to Celery workers by hand, and that it can be counted."""

import base64
import json
from collections.abc import Iterator

import pytest

from tests.harness.redis_server import RedisServer, own_redis
from tests.harness.remote_control import QUEUE, WAKE, RemoteControl


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with own_redis() as redis:
        yield redis


@pytest.fixture
def remote(redis: RedisServer) -> Iterator[RemoteControl]:
    with RemoteControl(redis.url) as remote:
        yield remote


def test_a_wake_up_is_a_task_for_the_workers(remote: RemoteControl, redis: RedisServer) -> None:
    remote.wake("one", "other")
    assert redis.messages(QUEUE) == 2
    message = json.loads(str(redis.client.lindex(QUEUE, -1)))
    assert message["headers"]["task"] == WAKE
    assert json.loads(base64.b64decode(message["body"]))[0] == ["one"]
    redis.flush()
    assert redis.messages(QUEUE) == 0


def test_anything_can_be_put_in_their_queue(remote: RemoteControl, redis: RedisServer) -> None:
    remote.publish(b"{]", content_type="application/json")
    assert redis.messages(QUEUE) == 1
