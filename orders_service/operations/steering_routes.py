"""What may be done to runs, over HTTP: one of them, or all that match."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Response
from starlette.concurrency import run_in_threadpool

from orders_service.audit import Auditor, Note
from orders_service.operations import steering
from orders_service.operations.accepting import Acceptance, Accepting
from orders_service.operations.schemas import Accepted, BulkCancel, BulkRetry, PreviewView, Reason
from orders_service.operations.steering_many import Action, SteeringOrder, preview, start_steering
from orders_service.problems import responses
from orders_service.strict_json import StrictRoute
from pipelines import Preview, Process, ReadSession

router = APIRouter(
    prefix="/v1/runs",
    tags=["runs"],
    route_class=StrictRoute,
    responses=responses(400, 401, 403, 413, 415, 422, 503),
)

Said = Annotated[Reason | None, Body()]

_ONE: dict[str, Any] = {"status_code": 202, "response_model": Accepted, "responses": responses(404, 409)}
_MANY: dict[str, Any] = {
    "status_code": 202,
    "response_model": Accepted,
    "responses": {200: {"model": PreviewView, "description": "With `dry_run`: how many, and the first of them."}},
}


@router.post("/retry", **_MANY)
async def retry_runs(asked: BulkRetry, accepting: Accepting, auditor: Auditor) -> Response:
    """Retry all dead letters that match, in the background and at a pace, or with `dry_run` only count them."""
    note = auditor("runs_retried", "many", subject_type="run")
    return await _many(accepting, asked, note, Action.RETRY, pace=asked.pace_per_second)


@router.post("/cancel", **_MANY)
async def cancel_runs(asked: BulkCancel, accepting: Accepting, auditor: Auditor) -> Response:
    """Cancel all open runs that match, in the background, or with `dry_run` only count them."""
    return await _many(
        accepting, asked, auditor("runs_cancelled", "many", subject_type="run"), Action.CANCEL, pace=None
    )


@router.post("/{run_id}/retry", **_ONE)
async def retry_run(run_id: UUID, accepting: Accepting, auditor: Auditor, said: Said = None) -> Response:
    """Have a run that `failed` or is `quarantined` go on where it failed, or where it was undone to."""
    return await _one(accepting, accepting.process.steering.retry, run_id, auditor("run_retried", run_id), said)


@router.post("/{run_id}/retry-undo", **_ONE)
async def retry_undo_of_run(run_id: UUID, accepting: Accepting, auditor: Auditor, said: Said = None) -> Response:
    """Have a run go on being undone where an undo was given up."""
    note = auditor("run_undo_retried", run_id)
    return await _one(accepting, accepting.process.steering.retry_undo, run_id, note, said)


@router.post("/{run_id}/replay", **_ONE)
async def replay_run(run_id: UUID, accepting: Accepting, auditor: Auditor, said: Said = None) -> Response:
    """Start a new run with the input of this one, and answer with the new one. Without a key each call starts one.

    A run that belongs to a record, as that of an order does, is not replayed (409): it would happen a second time.
    """
    said, note = said or Reason(), auditor("run_replayed", run_id)
    return await accepting.of(said, steering.replay_run, accepting.process, run_id, note, said.reason)


@router.post("/{run_id}/cancel", **_ONE)
async def cancel_run(run_id: UUID, accepting: Accepting, auditor: Auditor, said: Said = None) -> Response:
    """Have an open run go no further; what it did is undone in the background."""
    return await _one(accepting, steering.cancel_run, run_id, auditor("run_cancelled", run_id), said)


async def _one(accepting: Acceptance, verb: steering.Verb, run_id: UUID, note: Note, said: Reason | None) -> Response:
    said = said or Reason()
    return await accepting.of(said, steering.steer_run, verb, run_id, note, said.reason)


async def _many(
    accepting: Acceptance, asked: BulkCancel, note: Note, action: Action, *, pace: float | None
) -> Response:
    order = SteeringOrder(
        action=action,
        chosen=asked.filter.stored,
        actor=accepting.operator.id,
        reason=asked.reason,
        pace_per_second=pace,
        limit=asked.limit,
    )
    if asked.dry_run:
        counted = PreviewView.of(await run_in_threadpool(_preview, accepting.process, order))
        return Response(counted.model_dump_json(), media_type="application/json")
    return await accepting.of(asked, start_steering, order, note)


def _preview(process: Process, order: SteeringOrder) -> Preview:
    with ReadSession(process.readers) as session:
        return preview(session, process.steering.many, order.action, order.chosen)
