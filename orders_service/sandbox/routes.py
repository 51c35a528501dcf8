"""Where the sandbox can be reached: the warehouse receives, and both stand-ins show what they have."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse

from orders_service.gateways import Mailbox, SignatureRefused
from orders_service.sandbox.crm import SandboxCrm, UnreadableUser
from orders_service.sandbox.pages import page
from orders_service.sandbox.warehouse import SandboxWarehouse, UnreadableEvent

_MOST_BYTES = 64 * 1024


def make_router(warehouse: SandboxWarehouse, mailbox: Mailbox, crm: SandboxCrm) -> APIRouter:
    """The routes below /sandbox. They ask for no credentials: never mount them outside development."""
    router = APIRouter(prefix="/sandbox", include_in_schema=False)
    _add_warehouse(router, warehouse)
    _add_mailbox(router, mailbox)
    _add_crm(router, crm)
    return router


def _add_warehouse(router: APIRouter, warehouse: SandboxWarehouse) -> None:
    @router.post("/warehouse", max_body_size=_MOST_BYTES)
    async def receive(request: Request) -> Response:
        """202 for an event that is new, 200 for one that was accepted before."""
        try:
            is_new = warehouse.receive(await request.body(), request.headers)
        except SignatureRefused as error:
            raise HTTPException(401, "The signature is missing, wrong or too old.") from error
        except UnreadableEvent as error:
            raise HTTPException(400, "The event is not a JSON object.") from error
        return Response(status_code=202 if is_new else 200)

    @router.get("/warehouse")
    async def received(accept: Annotated[str, Header()] = "") -> Response:
        return _shown("Warehouse", [asdict(receipt) for receipt in warehouse.received()], accept)


def _add_mailbox(router: APIRouter, mailbox: Mailbox) -> None:
    @router.get("/mailbox")
    def mails(accept: Annotated[str, Header()] = "") -> Response:
        return _shown("Mailbox", [asdict(mail) for mail in mailbox.newest()], accept, links="/sandbox/mailbox")

    @router.get("/mailbox/{mail_id}")
    def mail(mail_id: str) -> Response:
        found = mailbox.read(mail_id)
        if found is None:
            raise HTTPException(404, "There is no such mail.")
        return PlainTextResponse(found, headers={"X-Content-Type-Options": "nosniff"})


def _add_crm(router: APIRouter, crm: SandboxCrm) -> None:
    @router.put("/crm/users/{user_id}", max_body_size=_MOST_BYTES)
    async def put_user(user_id: UUID, request: Request, idempotency_key: Annotated[str, Header()] = "") -> Response:
        """201 for what is new, 200 for the same call again."""
        try:
            is_new = crm.put(str(user_id), await request.body(), idempotency_key)
        except UnreadableUser as error:
            raise HTTPException(400, f"The call cannot be read: {error}.") from error
        return Response(status_code=201 if is_new else 200)

    @router.get("/crm")
    async def users(accept: Annotated[str, Header()] = "") -> Response:
        return _shown("CRM", [asdict(known) for known in crm.users()], accept)


def _shown(title: str, rows: Sequence[Mapping[str, Any]], accept: str, *, links: str | None = None) -> Response:
    if "text/html" not in accept:
        return JSONResponse(rows)
    return HTMLResponse(page(title, [{name: _text(cell) for name, cell in row.items()} for row in rows], links=links))


def _text(cell: object) -> str:
    return cell if isinstance(cell, str) else json.dumps(cell, ensure_ascii=False)
