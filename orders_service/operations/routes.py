"""What happens to background work, over HTTP: looking at it. What somebody may do to it is in the other routes."""

from collections.abc import Callable, Iterable
from typing import Annotated, Any, TypeAlias
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from orders_service.auth import Allowed, CurrentPrincipal, Principal, Scope
from orders_service.database import Reading, process_of
from orders_service.operations.machinery_routes import pipelines_router, schedules_router
from orders_service.operations.schemas import CauseView, RunList, RunSummary
from orders_service.operations.steering_routes import router as steering_router
from orders_service.operations.viewing import cause_for, page_of_runs
from orders_service.pages import Page
from orders_service.problems import responses
from orders_service.strict_json import StrictRoute
from pipelines import Pipeline, ReadSession, UnknownRun
from pipelines.fastapi import run_router

OwnerOfRun: TypeAlias = Callable[[ReadSession, UUID], str | None]
"""Whose principal's record a run works for, as far as one slice knows."""


def make_router(pipelines: Iterable[Pipeline[Any]], owners: Iterable[OwnerOfRun]) -> APIRouter:
    """Runs of these pipelines, what may be done to them, schedules, and the pipelines themselves."""
    asked = tuple(owners)

    def _only_to_its_owner(run_id: UUID, session: Reading, principal: CurrentPrincipal) -> None:
        """To an admin, and to whoever owns what the run works for; to others it is not there."""
        if not (principal.may(Scope.OPERATIONS_READ) or any(owner(session, run_id) == principal.id for owner in asked)):
            raise UnknownRun

    whose = [Depends(_only_to_its_owner)]
    router = APIRouter()
    router.include_router(_listing)
    router.include_router(
        run_router(
            pipelines,
            prefix="/v1/runs",
            dependencies=whose,
            process=process_of,
            route_class=StrictRoute,
            responses=responses(401, 404, 422, 503),
        )
    )
    router.include_router(_explaining, dependencies=whose)
    for each in (steering_router, schedules_router, pipelines_router):
        router.include_router(each)
    return router


_listing = APIRouter(prefix="/v1/runs", tags=["runs"], route_class=StrictRoute, responses=responses(401, 403, 422, 503))
_explaining = APIRouter(
    prefix="/v1/runs", tags=["runs"], route_class=StrictRoute, responses=responses(401, 404, 422, 503)
)


@_listing.get("")
def list_runs(
    session: Reading,
    principal: Annotated[Principal, Allowed(Scope.OPERATIONS_READ)],  # noqa: ARG001 - asked for its effect
    request: Request,
    which: Annotated[RunList, Query()],
) -> Page[RunSummary]:
    """List runs, newest first. For admins, and for keys with the scope `operations:read`."""
    under = f"runs {which.model_dump_json(exclude={'cursor', 'limit'}, exclude_defaults=True)}"
    process = process_of(request)
    return page_of_runs(process, session, which.filter, under=under, cursor=which.cursor, limit=which.limit)


@_explaining.get("/{run_id}/why")
def explain_run(run_id: UUID, session: Reading, principal: CurrentPrincipal, request: Request) -> CauseView:
    """Say in one sentence why a run is where it is, and what it waits for."""
    return cause_for(principal, process_of(request).steering.why(session, run_id))
