"""Looking at background work, and steering it; what is forgotten in time. The front door of this slice."""

from orders_service.operations.accepting import accept_once, run_in
from orders_service.operations.cleaning import cleanup_sessions, ended_before, expire_idempotency_keys
from orders_service.operations.dead_letters import Group, Groups, grouped
from orders_service.operations.errors import UnknownPipeline
from orders_service.operations.machinery_schemas import ScheduleView
from orders_service.operations.schemas import MOST_AT_ONCE, ReasonText, RunChoice, RunSummary, States
from orders_service.operations.steering import (
    Verb,
    cancel_run,
    pause_pipeline,
    pause_schedule,
    replay_run,
    resume_pipeline,
    resume_schedule,
    steer_run,
    trigger_schedule,
)
from orders_service.operations.steering_many import Action, Chosen, Desk, SteeringOrder, start_steering, steer_runs
from orders_service.operations.steering_many import preview as preview_of
from orders_service.operations.viewing import (
    cause_for,
    page_of_runs,
    pipeline_of,
    pipelines_of,
    schedules_of,
    summary_of,
)

__all__ = [
    "MOST_AT_ONCE",
    "Action",
    "Chosen",
    "Desk",
    "Group",
    "Groups",
    "ReasonText",
    "RunChoice",
    "RunSummary",
    "ScheduleView",
    "States",
    "SteeringOrder",
    "UnknownPipeline",
    "Verb",
    "accept_once",
    "cancel_run",
    "cause_for",
    "cleanup_sessions",
    "ended_before",
    "expire_idempotency_keys",
    "grouped",
    "page_of_runs",
    "pause_pipeline",
    "pause_schedule",
    "pipeline_of",
    "pipelines_of",
    "preview_of",
    "replay_run",
    "resume_pipeline",
    "resume_schedule",
    "run_in",
    "schedules_of",
    "start_steering",
    "steer_run",
    "steer_runs",
    "summary_of",
    "trigger_schedule",
]
