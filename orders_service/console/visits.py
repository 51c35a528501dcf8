"""Who looks at a page, and whether a form was really sent from one: the cookie, its rights, and the token in forms."""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from orders_service.auth import Forbidden, Principal, Scope, Unauthenticated, behind_console_session
from orders_service.console.errors import ForgedForm, SignInFirst
from orders_service.database import process_of
from pipelines import ReadSession

COOKIE = "__Host-orders-console"
TOKEN_FIELD = "csrf"  # noqa: S105 - the name of a field
TOKEN_HEADER = "x-csrf-token"  # noqa: S105 - the name of a header


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of somebody who has signed in. `token` stands in every form that changes something."""

    principal: Principal
    token: str

    @property
    def may_act(self) -> bool:
        return self.principal.may(Scope.OPERATIONS_WRITE)

    def may(self, scope: str) -> bool:
        """For templates: what nobody may see is not offered."""
        return self.principal.may(Scope(scope))


class Visiting:
    """The dependency behind `Visitor` and `Acting`."""

    def __init__(self, scope: Scope, *, acts: bool = False) -> None:
        self._scope = scope
        self._acts = acts

    async def __call__(self, request: Request) -> Visit:
        """Raises `SignInFirst`, `Forbidden` or `ForgedForm`."""
        cookie = request.cookies.get(COOKIE, "")
        try:
            principal = await run_in_threadpool(_principal, request, cookie)
        except Unauthenticated as error:
            raise SignInFirst from error
        request.state.principal = principal  # for the auditor
        visit = request.state.visit = Visit(principal, token_of(cookie))  # for a page about an error too
        if not principal.may(self._scope):
            raise Forbidden
        if self._acts:
            await _see_that_it_is_ours(request, visit.token)
        return visit


Visitor = Annotated[Visit, Depends(Visiting(Scope.OPERATIONS_READ))]
"""Whoever looks at background work."""
Acting = Annotated[Visit, Depends(Visiting(Scope.OPERATIONS_WRITE, acts=True))]
"""Whoever changes something, from a form of ours."""


def token_of(cookie: str) -> str:
    """Nobody can make it who does not hold the cookie, which no script can read."""
    return hmac.new(cookie.encode(errors="replace"), b"forms of the console", hashlib.sha256).hexdigest()


def is_from_elsewhere(request: Request) -> bool:
    """Whether a browser says that the page which sent this is not ours. Programs say nothing."""
    origin = request.headers.get("origin")
    return origin is not None and origin.partition("://")[2] != request.headers.get("host")


def _principal(request: Request, cookie: str) -> Principal:
    with ReadSession(process_of(request).readers) as session:
        return behind_console_session(session, request.state.keyring, cookie)


async def _see_that_it_is_ours(request: Request, token: str) -> None:
    said = request.headers.get(TOKEN_HEADER) or (await request.form()).get(TOKEN_FIELD)
    if is_from_elsewhere(request) or not isinstance(said, str) or not _are_equal(said, token):
        raise ForgedForm


def _are_equal(said: str, token: str) -> bool:
    return hmac.compare_digest(said.encode(errors="replace"), token.encode())
