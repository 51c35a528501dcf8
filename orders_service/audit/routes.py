"""The HTTP face of the audit: it is read, and nothing else."""

from typing import Annotated

from fastapi import APIRouter, Query

from orders_service.audit.schemas import AuditEntryView, AuditFilter
from orders_service.audit.viewing import page_of
from orders_service.auth import Allowed, Principal, Scope
from orders_service.database import Reading
from orders_service.pages import Page
from orders_service.problems import responses
from orders_service.strict_json import StrictRoute

router = APIRouter(prefix="/v1/audit", tags=["audit"], route_class=StrictRoute, responses=responses(401, 403, 422, 503))


@router.get("")
def list_audit_entries(
    session: Reading,
    principal: Annotated[Principal, Allowed(Scope.AUDIT_READ)],  # noqa: ARG001 - asked for its effect
    which: Annotated[AuditFilter, Query()],
) -> Page[AuditEntryView]:
    """List who did what, newest first. For admins, and for keys with the scope `audit:read`."""
    return page_of(session, which)
