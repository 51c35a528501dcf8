"""What an operator's tools do: they speak with Celery workers through the broker, and know nothing of our code."""

from collections import Counter
from types import TracebackType
from typing import Any, Self

from celery import Celery

QUEUE = "pipelines"
WAKE = "pipelines.wake"
_PATIENCE_SECONDS = 5.0


class RemoteControl:
    """All of its methods block."""

    def __init__(self, broker_url: str) -> None:
        self._app = Celery("remote", broker=broker_url, set_as_current=False)
        self._app.conf.task_queue_max_priority = 2  # RabbitMQ wants a queue to be declared alike by all

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._app.close()

    def ask(self, what: str, *, workers: int) -> dict[str, Any]:
        """As `celery inspect` does it; comes back when so many have answered, or after a while."""
        with self._app.connection_for_write() as connection:  # a new one: the broker may have been away
            inspect = self._app.control.inspect(timeout=_PATIENCE_SECONDS, limit=workers, connection=connection)
            return getattr(inspect, what)() or {}

    def wake(self, *run_ids: object) -> None:
        """Send by hand the messages that our carrier sends."""
        for run_id in run_ids:
            self.send(WAKE, str(run_id))

    def send(self, task: str, *arguments: object) -> None:
        self._app.send_task(task, args=arguments, queue=QUEUE)

    def publish(self, body: bytes, *, content_type: str) -> None:
        """Send something that is no task."""
        with self._app.producer_pool.acquire(block=True) as producer:
            producer.publish(body, routing_key=QUEUE, content_type=content_type, content_encoding="utf-8")

    def hear(self, *kinds: str, within_seconds: float = 60.0) -> Counter[str]:
        """Listen to events, which it asks the workers for as Flower does, until there was one of each kind."""
        self._app.control.enable_events()
        heard = Counter[str]()
        with self._app.connection_for_read() as connection:
            receiver = self._app.events.Receiver(connection)

            def note(event: dict[str, Any]) -> None:
                heard[event["type"]] += 1
                receiver.should_stop = heard.keys() >= set(kinds)

            receiver.handlers = {"*": note}
            receiver.capture(timeout=within_seconds)
        return heard
