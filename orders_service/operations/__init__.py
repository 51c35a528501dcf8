"""Looking at background work, and steering it; what is forgotten in time. The front door of this slice."""

from orders_service.operations.cleaning import cleanup_sessions, ended_before, expire_idempotency_keys
from orders_service.operations.errors import UnknownPipeline
from orders_service.operations.machinery_schemas import ScheduleView
from orders_service.operations.steering import pause_schedule, resume_schedule, trigger_schedule
from orders_service.operations.steering_many import Desk, steer_runs
from orders_service.operations.viewing import pipelines_of, schedules_of

__all__ = [
    "Desk",
    "ScheduleView",
    "UnknownPipeline",
    "cleanup_sessions",
    "ended_before",
    "expire_idempotency_keys",
    "pause_schedule",
    "pipelines_of",
    "resume_schedule",
    "schedules_of",
    "steer_runs",
    "trigger_schedule",
]
