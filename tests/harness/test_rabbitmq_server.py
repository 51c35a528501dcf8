"""The RabbitMQ of the tests: it takes messages, and nothing of it is left behind."""

import pytest
from kombu.connection import Connection
from kombu.exceptions import OperationalError

from tests.harness.rabbitmq_server import MISSING, own_rabbitmq, rabbitmq_executable

pytestmark = pytest.mark.skipif(rabbitmq_executable() is None, reason=MISSING)


def test_it_takes_a_message_and_is_gone_afterwards() -> None:
    with own_rabbitmq() as server, _connected(server.url) as connection, connection.SimpleQueue("here") as queue:
        queue.put("a message")
        assert queue.get(timeout=10).payload == "a message"
    with _connected(server.url) as connection, pytest.raises(OperationalError):
        connection.ensure_connection(max_retries=1, interval_start=0)


def _connected(url: str) -> Connection:
    return Connection(url)
