"""The bearer credential of a request: FastAPI's dependency, and what an endpoint writes to ask for one."""

from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from orders_service.auth.errors import Forbidden, Unauthenticated
from orders_service.auth.keyring import Keyring
from orders_service.auth.principals import Principal, Scope

_DESCRIPTION = "An API key, or the token that a login gave."


class Bearer(HTTPBearer):
    """Reads the credential and says whose it is, in one dependency: FastAPI charges every request for each."""

    def __init__(self, scope: Scope | None = None, *, admins_only: bool = False, users_only: bool = False) -> None:
        super().__init__(auto_error=False, description=_DESCRIPTION, scheme_name="Bearer")
        self._scope = scope
        self._admins_only = admins_only
        self._users_only = users_only

    async def __call__(self, request: Request) -> Principal:  # type: ignore[override] # says more than its parent
        keyring: Keyring = request.state.keyring
        principal = await keyring.principal_of(await token_of(request))
        request.state.principal = principal  # for the auditor
        if not self._admits(principal):
            raise Forbidden
        return principal

    def _admits(self, principal: Principal) -> bool:
        if self._users_only:
            return principal.user_id is not None
        return principal.is_admin if self._admins_only else self._scope is None or principal.may(self._scope)


_read = HTTPBearer(auto_error=False)


async def token_of(request: Request) -> str:
    """The credential as it was sent. Raises `Unauthenticated` when there is none."""
    credentials = await _read(request)
    if credentials is None or not credentials.credentials:
        raise Unauthenticated
    return credentials.credentials


def Allowed(scope: Scope) -> Any:  # noqa: N802 - stands where `Depends` would
    """Stands in an `Annotated[Principal, ...]`: whoever may not do this gets a 403."""
    return Depends(Bearer(scope))


CurrentPrincipal = Annotated[Principal, Depends(Bearer())]
Admin = Annotated[Principal, Depends(Bearer(admins_only=True))]
CurrentUser = Annotated[Principal, Depends(Bearer(users_only=True))]
"""A person with an account; a program's key has none."""
