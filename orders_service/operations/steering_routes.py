"""What may be done to runs, over HTTP: one of them, or all that match."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from orders_service.audit import Auditor, Note
from orders_service.auth import Allowed, Principal, Scope
from orders_service.database import process_of
from orders_service.operations import steering
from orders_service.operations.schemas import Accepted, BulkCancel, BulkRetry, PreviewView, Reason, RunLink
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

Operator = Annotated[Principal, Allowed(Scope.OPERATIONS_WRITE)]


class Intervention:
    """An operator's hand on one run: who it is, why, and where the answer goes."""

    def __init__(
        self,
        _: Operator,
        request: Request,
        response: Response,
        auditor: Auditor,
        said: Annotated[Reason | None, Body()] = None,
    ) -> None:
        self._request, self._response, self._auditor = request, response, auditor
        self._reason = said.reason if said is not None else None

    async def does(self, verb: steering.Verb, run_id: UUID, action: str) -> Accepted:
        """Raises `UnknownRun`, or `StateConflict`."""
        note = self._auditor(action, run_id)
        run_to_watch = await process_of(self._request).write(steering.steer_run, verb, run_id, note, self._reason)
        link = RunLink.to(run_to_watch)
        self._response.headers["Location"], self._response.headers["Retry-After"] = link.url, "1"
        return Accepted(run=link)


Hand = Annotated[Intervention, Depends()]

_COUNTED: dict[int | str, dict[str, Any]] = {200: {"model": PreviewView, "description": "With `dry_run`: how many."}}


@router.post("/retry", status_code=202, response_model=Accepted, responses=_COUNTED)
async def retry_runs(asked: BulkRetry, operator: Operator, request: Request, auditor: Auditor) -> Response:
    """Retry all dead letters that match, in the background and at a pace, or with `dry_run` only count them."""
    order = _order(Action.RETRY, asked, operator, pace=asked.pace_per_second)
    return await _many(request, order, auditor("runs_retried", "many", subject_type="run"), dry_run=asked.dry_run)


@router.post("/cancel", status_code=202, response_model=Accepted, responses=_COUNTED)
async def cancel_runs(asked: BulkCancel, operator: Operator, request: Request, auditor: Auditor) -> Response:
    """Cancel all open runs that match, in the background, or with `dry_run` only count them."""
    order = _order(Action.CANCEL, asked, operator)
    return await _many(request, order, auditor("runs_cancelled", "many", subject_type="run"), dry_run=asked.dry_run)


@router.post("/{run_id}/retry", status_code=202, responses=responses(404, 409))
async def retry_run(run_id: UUID, hand: Hand, request: Request) -> Accepted:
    """Have a run that `failed` or is `quarantined` go on where it failed, or where it was undone to."""
    return await hand.does(process_of(request).steering.retry, run_id, "run_retried")


@router.post("/{run_id}/retry-undo", status_code=202, responses=responses(404, 409))
async def retry_undo_of_run(run_id: UUID, hand: Hand, request: Request) -> Accepted:
    """Have a run go on being undone where an undo was given up."""
    return await hand.does(process_of(request).steering.retry_undo, run_id, "run_undo_retried")


@router.post("/{run_id}/replay", status_code=202, responses=responses(404, 409))
async def replay_run(run_id: UUID, hand: Hand, request: Request) -> Accepted:
    """Start a new run with the input of this one. The answer names the new one; each call starts another."""
    return await hand.does(process_of(request).steering.replay, run_id, "run_replayed")


@router.post("/{run_id}/cancel", status_code=202, responses=responses(404, 409))
async def cancel_run(run_id: UUID, hand: Hand) -> Accepted:
    """Have an open run go no further; what it did is undone in the background."""
    return await hand.does(steering.cancel_run, run_id, "run_cancelled")


def _order(action: Action, asked: BulkCancel, operator: Principal, *, pace: float | None = None) -> SteeringOrder:
    return SteeringOrder(
        action=action,
        chosen=asked.filter.stored,
        actor=operator.id,
        reason=asked.reason,
        pace_per_second=pace,
        limit=asked.limit,
    )


async def _many(request: Request, order: SteeringOrder, note: Note, *, dry_run: bool) -> Response:
    process = process_of(request)
    if dry_run:
        counted = PreviewView.of(await run_in_threadpool(_preview, process, order))
        return Response(counted.model_dump_json(), media_type="application/json")
    link = RunLink.to(await process.write(start_steering, order, note))
    headers = {"Location": link.url, "Retry-After": "1"}
    return Response(Accepted(run=link).model_dump_json(), 202, headers, "application/json")


def _preview(process: Process, order: SteeringOrder) -> Preview:
    with ReadSession(process.readers) as session:
        return preview(session, process.steering.many, order.action, order.chosen)
