"""The Redis of the tests: it forgets when it is told to, and comes back empty, whatever ended it."""

from collections.abc import Iterator
from operator import methodcaller

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as NotThereError

from tests.harness.redis_server import RedisServer, own_redis


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with own_redis() as server:
        yield server


def test_a_client_reaches_it_by_its_url(server: RedisServer) -> None:
    with Redis.from_url(server.url) as client:
        client.set("here", "yes")
    assert server.client.get("here") == "yes"


def test_two_share_nothing(server: RedisServer) -> None:
    server.client.set("mine", "yes")
    with own_redis() as other:
        assert other.client.get("mine") is None


def test_it_forgets_and_stays(server: RedisServer) -> None:
    server.client.set("mine", "yes")
    server.flush()
    assert server.client.get("mine") is None


@pytest.mark.parametrize("ending", ["stop", "kill"])
def test_it_can_be_away_and_comes_back_empty(server: RedisServer, ending: str) -> None:
    server.client.set("mine", "yes")
    methodcaller(ending)(server)
    with pytest.raises(NotThereError):
        server.client.ping()
    server.start()
    assert server.client.get("mine") is None
