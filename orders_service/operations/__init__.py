"""Looking at background work, and steering it; what is forgotten in time. The front door of this slice."""

from orders_service.operations.cleaning import cleanup_sessions, ended_before, expire_idempotency_keys
from orders_service.operations.errors import UnknownPipeline
from orders_service.operations.schemas import ReasonText
from orders_service.operations.steering import pause_pipeline, resume_pipeline
from orders_service.operations.steering_many import Desk, steer_runs
from orders_service.operations.viewing import pipeline_of, pipelines_of

__all__ = [
    "Desk",
    "ReasonText",
    "UnknownPipeline",
    "cleanup_sessions",
    "ended_before",
    "expire_idempotency_keys",
    "pause_pipeline",
    "pipeline_of",
    "pipelines_of",
    "resume_pipeline",
    "steer_runs",
]
