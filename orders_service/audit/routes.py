"""The HTTP face of the audit: it is read, and nothing else."""

from typing import Annotated

from fastapi import APIRouter, Query

from orders_service.audit import queries
from orders_service.audit.schemas import AuditEntryView, AuditFilter
from orders_service.auth import Allowed, Principal, Scope
from orders_service.database import Reading
from orders_service.pages import Page, cursor_after, place_of
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
    under = f"audit {which.model_dump_json(exclude={'cursor', 'limit'}, exclude_none=True)}"
    entries = queries.newest(
        session,
        where=which.columns,
        since=which.created_after,
        until=which.created_before,
        before=place_of(which.cursor, under=under),
        most=which.limit + 1,
    )
    shown = entries[: which.limit]
    more = cursor_after(shown[-1].id, under=under) if len(entries) > which.limit else None
    return Page(items=[AuditEntryView.of(entry) for entry in shown], next=more)
