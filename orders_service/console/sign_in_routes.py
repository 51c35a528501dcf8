"""Signing in with an operator's credential, and out again."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request, Response

from orders_service.audit import Auditor, Note, record
from orders_service.auth import (
    CONSOLE_SESSIONS_LAST,
    Forbidden,
    Scope,
    Unauthenticated,
    close_console_session,
    open_console_session,
)
from orders_service.console.errors import ForgedForm, SignInFirst
from orders_service.console.page_route import PageRoute
from orders_service.console.pages import page, to_page
from orders_service.console.visits import COOKIE, Visiting, is_from_elsewhere
from orders_service.database import process_of
from pipelines import Transaction

router = APIRouter(prefix="/console", route_class=PageRoute, include_in_schema=False)

HOME = "/console"
LONGEST_CREDENTIAL = 500
_HERE = {"localhost", "127.0.0.1", "::1"}  # browsers keep a secure cookie from there without TLS too
_UNKNOWN = "This credential is not known, or has been revoked."
_TOO_LITTLE = "This credential may not look at background work: it needs the scope operations:read."


@router.get("/sign-in")
async def sign_in_page(request: Request, next: str = HOME) -> Response:  # noqa: A002 - the name in the URL
    """Ask for the credential, unless this browser is signed in: it hides that from us behind a link of another site."""
    try:
        await Visiting(Scope.OPERATIONS_READ)(request)
    except (SignInFirst, Forbidden):
        return _form(request, next)
    return to_page(request, _own(next))


@router.post("/sign-in")
async def sign_in(
    request: Request,
    auditor: Auditor,
    credential: Annotated[str, Form(max_length=LONGEST_CREDENTIAL)],
    next: Annotated[str, Form(max_length=2000)] = HOME,  # noqa: A002 - the name in the form
) -> Response:
    """Open a session: the credential itself is kept nowhere, the browser's cookie says nothing about it."""
    if is_from_elsewhere(request):
        raise ForgedForm
    credential = credential.strip()
    try:
        principal = await request.state.keyring.principal_of(credential)
    except Unauthenticated:
        return _form(request, next, _UNKNOWN)
    if not principal.may(Scope.OPERATIONS_READ):
        return _form(request, next, _TOO_LITTLE)
    request.state.principal = principal
    cookie = await process_of(request).write(_open, credential, auditor("console_signed_in", principal.id))
    response = to_page(request, _own(next))
    _set(response, cookie, int(CONSOLE_SESSIONS_LAST.total_seconds()))
    return response


@router.post("/sign-out")
async def sign_out(request: Request, auditor: Auditor) -> Response:
    """End the session, here and for whoever else may have the cookie."""
    visit = await Visiting(Scope.OPERATIONS_READ, acts=True)(request)
    note = auditor("console_signed_out", visit.principal.id)
    await process_of(request).write(_close, request.cookies[COOKIE], note)
    response = to_page(request, "/console/sign-in")
    _set(response, "", 0)
    return response


def _form(request: Request, after: str, trouble: str | None = None) -> Response:
    hint = getattr(request.app.state, "development_key", None)
    return page(
        request,
        "sign_in.html",
        status=401 if trouble else 200,
        after=_own(after),
        trouble=trouble,
        development_key=hint,
        is_plain=request.url.scheme == "http" and request.url.hostname not in _HERE,
    )


def _own(target: str) -> str:
    """Never a way out to another site."""
    try:
        parts = urlsplit(target)
    except ValueError:  # half an IPv6 address
        return HOME
    is_own = not parts.scheme and not parts.netloc and (parts.path + "/").startswith(HOME + "/")
    return target if is_own and "\\" not in target and target.isprintable() else HOME


def _open(tx: Transaction, credential: str, note: Note) -> str:
    record(tx, note)
    return open_console_session(tx, credential)


def _close(tx: Transaction, cookie: str, note: Note) -> None:
    close_console_session(tx, cookie)
    record(tx, note)


def _set(response: Response, cookie: str, seconds: int) -> None:
    response.set_cookie(COOKIE, cookie, max_age=seconds, path="/", secure=True, httponly=True, samesite="strict")
