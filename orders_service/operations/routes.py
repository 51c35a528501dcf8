"""What happens to background work, over HTTP."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Depends

from orders_service import orders
from orders_service.auth import CurrentPrincipal
from orders_service.database import Reading, process_of
from orders_service.problems import responses
from orders_service.strict_json import StrictRoute
from pipelines import Pipeline, UnknownRun
from pipelines.fastapi import run_router


def _only_to_its_owner(run_id: UUID, session: Reading, principal: CurrentPrincipal) -> None:
    """To an admin, and to whoever owns what the run works for; to others it is not there."""
    if not (principal.is_admin or orders.owner_of_run(session, run_id) == principal.id):
        raise UnknownRun


def make_router(pipelines: Iterable[Pipeline[Any]]) -> APIRouter:
    """Runs of these pipelines, one at a time."""
    return run_router(
        pipelines,
        prefix="/v1/runs",
        dependencies=[Depends(_only_to_its_owner)],
        process=process_of,
        route_class=StrictRoute,
        responses=responses(401, 404, 422, 503),
    )
