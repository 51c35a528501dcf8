"""What happens to background work, over HTTP."""

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias
from uuid import UUID

from fastapi import APIRouter, Depends

from orders_service.auth import CurrentPrincipal, Scope
from orders_service.database import Reading, process_of
from orders_service.problems import responses
from orders_service.strict_json import StrictRoute
from pipelines import Pipeline, ReadSession, UnknownRun
from pipelines.fastapi import run_router

OwnerOfRun: TypeAlias = Callable[[ReadSession, UUID], str | None]
"""Whose principal's record a run works for, as far as one slice knows."""


def make_router(pipelines: Iterable[Pipeline[Any]], owners: Iterable[OwnerOfRun]) -> APIRouter:
    """Runs of these pipelines, one at a time."""
    asked = tuple(owners)

    def _only_to_its_owner(run_id: UUID, session: Reading, principal: CurrentPrincipal) -> None:
        """To an admin, and to whoever owns what the run works for; to others it is not there."""
        if not (principal.may(Scope.OPERATIONS_READ) or any(owner(session, run_id) == principal.id for owner in asked)):
            raise UnknownRun

    return run_router(
        pipelines,
        prefix="/v1/runs",
        dependencies=[Depends(_only_to_its_owner)],
        process=process_of,
        route_class=StrictRoute,
        responses=responses(401, 404, 422, 503),
    )
