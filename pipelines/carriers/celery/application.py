"""The Celery application: what its messages look like, and that nothing of it is kept, retried or waited for."""

from typing import Any

from celery import Celery

from pipelines.run import Priority

TASK = "pipelines.wake"
QUEUE = "pipelines"
EXPIRES_SECONDS = 3600  # long before that the sweep has found the run; RabbitMQ drops what is older by itself
CONNECT_SECONDS = 2.0
SOCKET_SECONDS = 5.0

# Redis gives the lowest number first, RabbitMQ the highest. Those of Redis are steps that kombu and Flower know.
_REDIS = {Priority.HIGH: 0, Priority.NORMAL: 3, Priority.LOW: 6}
_RABBITMQ = {Priority.HIGH: 2, Priority.NORMAL: 1, Priority.LOW: 0}


def celery_app(name: str, broker_url: str, *, queue: str = QUEUE) -> Celery:
    """An application that brings wake-ups, and nothing else. `redis://`, `rediss://`, `amqp://` or `amqps://`.

    What you set in its `conf` afterwards wins. A message is only the id of a run; losing one costs a second, until a
    sweep finds the run, so nothing is confirmed, retried, or stored as a result.
    """
    app = Celery(name, broker=broker_url, set_as_current=False)
    app.conf.update(_settings(queue))
    if is_redis(broker_url):
        app.conf.update(_redis_settings(is_encrypted=broker_url.startswith("rediss")))
    return app


def is_redis(broker_url: str) -> bool:
    return broker_url.startswith("redis")


def priorities(app: Celery) -> dict[Priority, int]:
    """By which number its broker takes a message earlier or later."""
    return _REDIS if is_redis(str(app.conf.broker_url)) else _RABBITMQ


def _settings(queue: str) -> dict[str, Any]:
    return {
        "accept_content": ["json"],
        "task_serializer": "json",
        "task_default_queue": queue,
        "task_queue_max_priority": max(_RABBITMQ.values()),
        "task_acks_late": True,
        "task_ignore_result": True,
        "task_publish_retry": False,
        "result_backend": None,
        "worker_pool": "threads",  # the runs are on an event loop of ours: a thread only waits for a claim's COMMIT
        "worker_concurrency": 16,  # so many messages share a claim at most
        "worker_prefetch_multiplier": 1,
        "worker_redirect_stdouts": False,
        # A message is in hand for milliseconds; there is nothing to break off, and Celery would warn at each outage.
        "worker_cancel_long_running_tasks_on_connection_loss": True,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,  # without a broker the worker goes on by its sweep
        "broker_connection_timeout": CONNECT_SECONDS,
    }


def _redis_settings(*, is_encrypted: bool) -> dict[str, Any]:
    """A transport that is named explicitly is not given the TLS that kombu gives to `rediss`, which checks nothing."""
    return {
        "broker_transport": "pipelines.carriers.celery.redis_transport:Transport",
        "broker_transport_options": {"socket_connect_timeout": CONNECT_SECONDS, "socket_timeout": SOCKET_SECONDS},
        "broker_use_ssl": {"ssl_cert_reqs": "required"} if is_encrypted else None,
    }
