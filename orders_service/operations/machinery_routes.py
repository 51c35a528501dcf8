"""Schedules and pipelines, over HTTP: how they stand, and whether they go on."""

from typing import Annotated

from fastapi import APIRouter, Body, Request, Response
from starlette.concurrency import run_in_threadpool

from orders_service.audit import Auditor
from orders_service.auth import Allowed, Principal, Scope
from orders_service.database import Reading, process_of
from orders_service.operations import steering
from orders_service.operations.accepting import Accepting, Operator
from orders_service.operations.machinery_schemas import PipelineView, ScheduleView
from orders_service.operations.schemas import Accepted, PauseReason, Reason
from orders_service.operations.viewing import pipeline_of, pipelines_of, schedule_of, schedules_of
from orders_service.pages import Page
from orders_service.problems import responses
from orders_service.strict_json import StrictRoute

schedules_router = APIRouter(
    prefix="/v1/schedules", tags=["schedules"], route_class=StrictRoute, responses=responses(401, 403, 422, 503)
)
pipelines_router = APIRouter(
    prefix="/v1/pipelines", tags=["pipelines"], route_class=StrictRoute, responses=responses(401, 403, 422, 503)
)

Reader = Annotated[Principal, Allowed(Scope.OPERATIONS_READ)]
Said = Annotated[Reason | None, Body()]

_WITH_BODY = (400, 404, 413, 415)


@schedules_router.get("")
def list_schedules(session: Reading, _: Reader, request: Request) -> Page[ScheduleView]:
    """List what this service starts by itself: when, when next, and how it went last."""
    return Page(items=schedules_of(process_of(request), session))


@schedules_router.post("/{name}/trigger", status_code=202, response_model=Accepted, responses=responses(*_WITH_BODY))
async def trigger_schedule(name: str, accepting: Accepting, auditor: Auditor, said: Said = None) -> Response:
    """Start a run of this schedule now, paused or not. What is planned stays as it is."""
    said, note = said or Reason(), auditor("schedule_triggered", name)
    return await accepting.of(said, steering.trigger_schedule, accepting.process.schedules, name, note, said.reason)


@schedules_router.post("/{name}/pause", responses=responses(*_WITH_BODY, 409))
async def pause_schedule(name: str, _: Operator, request: Request, auditor: Auditor, said: Said = None) -> ScheduleView:
    """Have a schedule fire nothing until it is resumed."""
    process, note = process_of(request), auditor("schedule_paused", name)
    await process.write(steering.pause_schedule, process.schedules, name, note, said.reason if said else None)
    return await run_in_threadpool(schedule_of, process, name)


@schedules_router.post("/{name}/resume", responses=responses(*_WITH_BODY, 409))
async def resume_schedule(
    name: str, _: Operator, request: Request, auditor: Auditor, said: Said = None
) -> ScheduleView:
    """Have a schedule fire again, from its next time on; what was due meanwhile is not made up for."""
    process, note = process_of(request), auditor("schedule_resumed", name)
    await process.write(steering.resume_schedule, process.schedules, name, note, said.reason if said else None)
    return await run_in_threadpool(schedule_of, process, name)


@pipelines_router.get("")
def list_pipelines(session: Reading, _: Reader, request: Request) -> Page[PipelineView]:
    """List all pipelines: their steps, whether they are paused, how many runs are open or dead letters."""
    return Page(items=pipelines_of(process_of(request), session))


@pipelines_router.post("/{name}/pause", responses=responses(400, 404, 409, 413, 415))
async def pause_pipeline(name: str, said: PauseReason, _: Operator, request: Request, auditor: Auditor) -> PipelineView:
    """Have no step of this pipeline begin. Runs are still started, and wait. Other processes follow in a second."""
    process = process_of(request)
    await process.write(steering.pause_pipeline, process, name, auditor("pipeline_paused", name), said.reason)
    return await run_in_threadpool(pipeline_of, process, name)


@pipelines_router.post("/{name}/resume", responses=responses(400, 404, 409, 413, 415))
async def resume_pipeline(
    name: str, _: Operator, request: Request, auditor: Auditor, said: Said = None
) -> PipelineView:
    """Have a pipeline go on where it stood."""
    process = process_of(request)
    reason = said.reason if said is not None else None
    await process.write(steering.resume_pipeline, process, name, auditor("pipeline_resumed", name), reason)
    return await run_in_threadpool(pipeline_of, process, name)
