"""What happens to background work, over HTTP."""

from uuid import UUID

from fastapi import APIRouter

from orders_service import orders
from orders_service.auth import CurrentPrincipal
from orders_service.database import Reading
from orders_service.operations.schemas import RunView
from orders_service.problems import responses
from orders_service.strict_json import StrictRoute
from pipelines import UnknownRun, find_run

router = APIRouter(prefix="/v1/runs", tags=["runs"], route_class=StrictRoute, responses=responses(401, 503))


@router.get("/{run_id}", responses=responses(404, 422))
def get_run(run_id: UUID, session: Reading, principal: CurrentPrincipal) -> RunView:
    """Show a run with all its attempts; to an admin, or to whoever owns what it works for."""
    run = find_run(session, run_id)
    owner = orders.owner_of_run(session, run_id)
    if run is None or not (principal.is_admin or owner == principal.id):
        raise UnknownRun
    return RunView.of(run)
