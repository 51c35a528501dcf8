"""Where the sandbox can be reached: the warehouse receives, and both stand-ins show what they have."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse

from orders_service.gateways import SignatureRefused
from orders_service.sandbox.crm import UnreadableUser
from orders_service.sandbox.pages import page
from orders_service.sandbox.stand_ins import Sandbox
from orders_service.sandbox.warehouse import UnreadableEvent

_MOST_BYTES = 64 * 1024


router = APIRouter(prefix="/sandbox", include_in_schema=False)
"""It asks for no credentials: never mount it outside development."""


def _sandbox_of(request: Request) -> Sandbox:
    sandbox: Sandbox = request.app.state.sandbox
    return sandbox


@router.post("/warehouse", max_body_size=_MOST_BYTES)
async def receive(request: Request) -> Response:
    """202 for an event that is new, 200 for one that was accepted before."""
    try:
        is_new = _sandbox_of(request).warehouse.receive(await request.body(), request.headers)
    except SignatureRefused as error:
        raise HTTPException(401, "The signature is missing, wrong or too old.") from error
    except UnreadableEvent as error:
        raise HTTPException(400, "The event is not a JSON object.") from error
    return Response(status_code=202 if is_new else 200)


@router.get("/warehouse")
async def received(request: Request, accept: Annotated[str, Header()] = "") -> Response:
    return _shown("Warehouse", [asdict(receipt) for receipt in _sandbox_of(request).warehouse.received()], accept)


@router.get("/mailbox")
def mails(request: Request, accept: Annotated[str, Header()] = "") -> Response:
    newest = _sandbox_of(request).mailbox.newest()
    return _shown("Mailbox", [asdict(mail) for mail in newest], accept, links="/sandbox/mailbox")


@router.get("/mailbox/{mail_id}")
def mail(request: Request, mail_id: str) -> Response:
    found = _sandbox_of(request).mailbox.read(mail_id)
    if found is None:
        raise HTTPException(404, "There is no such mail.")
    return PlainTextResponse(found, headers={"X-Content-Type-Options": "nosniff"})


@router.put("/crm/users/{user_id}", max_body_size=_MOST_BYTES)
async def put_user(user_id: UUID, request: Request, idempotency_key: Annotated[str, Header()] = "") -> Response:
    """201 for what is new, 200 for the same call again."""
    try:
        is_new = _sandbox_of(request).crm.put(str(user_id), await request.body(), idempotency_key)
    except UnreadableUser as error:
        raise HTTPException(400, f"The call cannot be read: {error}.") from error
    return Response(status_code=201 if is_new else 200)


@router.get("/crm")
async def users(request: Request, accept: Annotated[str, Header()] = "") -> Response:
    return _shown("CRM", [asdict(known) for known in _sandbox_of(request).crm.users()], accept)


def _shown(title: str, rows: Sequence[Mapping[str, Any]], accept: str, *, links: str | None = None) -> Response:
    if "text/html" not in accept:
        return JSONResponse(rows)
    return HTMLResponse(page(title, [{name: _text(cell) for name, cell in row.items()} for row in rows], links=links))


def _text(cell: object) -> str:
    return cell if isinstance(cell, str) else json.dumps(cell, ensure_ascii=False)
