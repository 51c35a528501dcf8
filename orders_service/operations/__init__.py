"""Looking at background work, and steering it; what is forgotten in time. The front door of this slice."""

from orders_service.operations.cleaning import cleanup_sessions, ended_before, expire_idempotency_keys
from orders_service.operations.errors import UnknownPipeline
from orders_service.operations.steering import Verb, cancel_run, replay_run, steer_run
from orders_service.operations.steering_many import Desk, steer_runs
from orders_service.operations.viewing import cause_for, pipelines_of

__all__ = [
    "Desk",
    "UnknownPipeline",
    "Verb",
    "cancel_run",
    "cause_for",
    "cleanup_sessions",
    "ended_before",
    "expire_idempotency_keys",
    "pipelines_of",
    "replay_run",
    "steer_run",
    "steer_runs",
]
