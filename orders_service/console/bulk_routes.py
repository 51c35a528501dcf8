"""All runs that match are retried or cancelled: looked at, asked about once more, and left to the background."""

import secrets
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request, Response

from orders_service.audit import Auditor
from orders_service.auth import Scope
from orders_service.console.bulk import BulkForm, BulkQuestion, bulk_of
from orders_service.console.page_route import PageRoute
from orders_service.console.pages import page, to_page
from orders_service.console.visits import Acting, Visit, Visiting
from orders_service.database import Reading, process_of
from orders_service.idempotency import once_key
from orders_service.operations import MOST_AT_ONCE, Action, accept_once, run_in, start_steering

router = APIRouter(prefix="/console/bulk", route_class=PageRoute, include_in_schema=False)

Operator = Annotated[Visit, Depends(Visiting(Scope.OPERATIONS_WRITE))]
"""Whoever could go through with it."""
Asked = Annotated[BulkQuestion, Query()]

USUAL_PACE = 20
_NOTED_AS = {Action.RETRY: "runs_retried", Action.CANCEL: "runs_cancelled"}


@router.get("/{action}")
def look_at_all(action: Action, request: Request, visit: Operator, session: Reading, asked: Asked) -> Response:
    """How many match, and the first of them."""
    bulk = bulk_of(process_of(request), session, action, asked)
    return page(
        request,
        "bulk.html",
        visit,
        path=_below_runs(request),
        bulk=bulk,
        usual_pace=USUAL_PACE,
        most_at_once=MOST_AT_ONCE,
    )


@router.get("/{action}/confirm")
def ask_once_more(action: Action, request: Request, visit: Operator, session: Reading, asked: Asked) -> Response:
    """What is about to be done, and to how many."""
    bulk = bulk_of(process_of(request), session, action, asked)
    return page(
        request, "bulk_confirm.html", visit, path=_below_runs(request), bulk=bulk, key=secrets.token_urlsafe(24)
    )


@router.post("/{action}")
async def do_it_to_all(
    action: Action, request: Request, visit: Acting, auditor: Auditor, form: Annotated[BulkForm, Form()]
) -> Response:
    """Leave it to a run of its own, which shows how far it has come."""
    process = process_of(request)
    order = form.order(action, visit.principal.id, process.clock.now())
    note = auditor(_NOTED_AS[action], "many", subject_type="run")
    once = once_key(request, visit.principal, form.key)
    answer = await process.write(accept_once, once, order, start_steering, (order, note))
    return to_page(request, f"/console/runs/{run_in(answer).id}")


def _below_runs(request: Request) -> str:
    """Where the navigation shows these pages to be, too."""
    return f"{request.scope.get('root_path', '')}/console/runs/"
