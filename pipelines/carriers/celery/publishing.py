"""Publishes wake-ups from a thread of its own: a broker that is slow, or away, is nobody else's trouble."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import NamedTuple
from uuid import UUID

from celery import Celery
from kombu import Connection, Producer

from pipelines.carriers.celery.application import EXPIRES_SECONDS, SOCKET_SECONDS, TASK, is_redis, priorities
from pipelines.errors import PipelinesError
from pipelines.events import CarrierChanged, Event, WakeUpsSent
from pipelines.run import Priority

MOST_WAITING = 4096
MOST_AT_ONCE = 64
MOST_UNREAD = 10_000  # in Redis, which keeps all; RabbitMQ drops what has expired
BETWEEN_LOOKS = 1_000  # messages
LAST_WORDS_SECONDS = 1.0
_PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0)  # seconds for which a broker that failed is left alone; then the last, for ever


class Message(NamedTuple):
    """What is to be published."""

    run_id: UUID
    priority: Priority


class NobodyReads(PipelinesError):
    """The queue is so long that its readers are away, or far behind: a wake-up in it is worth nothing."""


class CeleryCarrier:
    """Hand it to `Process(carrier=...)`; it belongs to that one process.

    At most `most_waiting` wake-ups wait for the broker, and about `most_unread` in a Redis. When it fails, or nobody
    reads, it is left alone for a moment, and what comes meanwhile is dropped: the sweep finds the runs.
    """

    def __init__(self, app: Celery, *, most_waiting: int = MOST_WAITING, most_unread: int = MOST_UNREAD) -> None:
        self._app = app
        self._most_waiting = most_waiting
        self._most_unread = most_unread
        self._is_redis = is_redis(str(app.conf.broker_url))
        self._to_next_look = 0
        self._priorities = priorities(app)
        self._queue: SimpleQueue[Message | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="wake-ups", daemon=True)
        self._tell: Callable[[Event], None] = _nobody
        self._away_until = 0.0
        self._failures = 0
        self._connection: Connection | None = None
        self._producer: Producer | None = None

    def open(self, tell: Callable[[Event], None]) -> None:
        """Begin to publish. `tell` is called in this carrier's thread, and in that of `wake`."""
        self._tell = tell
        self._thread.start()

    def wake(self, run_id: UUID, priority: Priority) -> None:
        """Have it published, soon. Never waits and never raises."""
        if self._is_left_alone or self._queue.qsize() >= self._most_waiting:
            self._tell(WakeUpsSent("dropped", 1))
        else:
            self._queue.put(Message(run_id, priority))

    def close(self) -> None:
        """Publish what waits, if it takes no longer than a moment."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join(LAST_WORDS_SECONDS)

    @property
    def _is_left_alone(self) -> bool:
        """Whether the broker has just failed."""
        return time.monotonic() < self._away_until

    def _work(self) -> None:
        while batch := self._next_batch():
            if self._is_left_alone:  # they were here before it failed
                self._tell(WakeUpsSent("dropped", len(batch)))
            else:
                self._publish(batch)
        self._disconnect()

    def _next_batch(self) -> list[Message]:
        """What has come since the last one; empty at the end."""
        batch: list[Message] = []
        try:
            message = self._queue.get()
            while message is not None:
                batch.append(message)
                if len(batch) == MOST_AT_ONCE:
                    return batch
                message = self._queue.get_nowait()
            if batch:
                self._queue.put(None)  # the end comes after these
        except Empty:
            pass
        return batch

    def _publish(self, batch: list[Message]) -> None:
        try:
            producer = self._connected()
            self._look(producer, len(batch))
            with producer.batch(MOST_AT_ONCE):  # on Redis one round trip; elsewhere nothing is waited for
                for message in batch:
                    self._send(message)
        except Exception as error:  # noqa: BLE001 - whatever a client of a broker raises: here it becomes a count
            self._failed(error)
            self._tell(WakeUpsSent("failed", len(batch)))
        else:
            self._tell(WakeUpsSent("published", len(batch)))
            self._succeeded()

    def _look(self, producer: Producer, count: int) -> None:
        """Now and then, whether anybody reads."""
        self._to_next_look -= count
        if self._is_redis and self._to_next_look < 0:
            self._to_next_look = BETWEEN_LOOKS
            if producer.channel.queue_declare(self._app.conf.task_default_queue).message_count >= self._most_unread:
                raise NobodyReads

    def _send(self, message: Message) -> None:
        self._app.send_task(
            TASK,
            (str(message.run_id),),
            producer=self._producer,
            priority=self._priorities[message.priority],
            expires=EXPIRES_SECONDS,
            ignore_result=True,
            retry=False,
        )

    def _connected(self) -> Producer:
        if self._producer is None:
            self._connection = self._app.connection_for_write(transport_options=self._timeouts())
            self._connection.ensure_connection(max_retries=0)
            self._producer = self._app.amqp.Producer(self._connection.channel(), auto_declare=False)
            self._to_next_look = 0
        return self._producer

    def _timeouts(self) -> dict[str, object]:
        if self._is_redis:
            return {}  # those of the application
        return {"read_timeout": SOCKET_SECONDS, "write_timeout": SOCKET_SECONDS}

    def _succeeded(self) -> None:
        if self._failures:
            self._failures = 0
            self._tell(CarrierChanged(None))

    def _failed(self, error: Exception) -> None:
        self._disconnect()
        self._away_until = time.monotonic() + _PAUSES[min(self._failures, len(_PAUSES) - 1)]
        self._failures += 1
        if self._failures == 1:
            self._tell(CarrierChanged(type(error.__cause__ or error).__name__))

    def _disconnect(self) -> None:
        connection, self._connection, self._producer = self._connection, None, None
        if connection is not None:
            with suppress(Exception):  # it is broken perhaps
                connection.close()


def _nobody(_: Event) -> None:
    """Before it is opened."""
