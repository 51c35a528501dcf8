"""Who is asking: bearer API keys, stored as hashes and compared in constant time."""

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from sqlalchemy import Engine, bindparam, insert, select
from sqlmodel import Field, SQLModel, col
from starlette.concurrency import run_in_threadpool

from pipelines import ReadSession, Transaction

KEY_PREFIX = "ok"
SECRET_BYTES = 24
TRUSTED_FOR_SECONDS = 2.0  # a revoked key may work for so long, in each process
MOST_REMEMBERED = 10_000


class ApiKey(SQLModel, table=True):
    """A credential of a program. The secret itself is shown once and kept nowhere."""

    __tablename__ = "api_keys"

    id: str = Field(primary_key=True, max_length=32)
    principal: str = Field(max_length=100)
    is_admin: bool = False
    secret_hash: str = Field(max_length=64)
    created_at: datetime
    revoked_at: datetime | None = None


_FIND = select(col(ApiKey.principal), col(ApiKey.is_admin), col(ApiKey.secret_hash)).where(
    col(ApiKey.id) == bindparam("key_id"), col(ApiKey.revoked_at).is_(None)
)
_ADD = insert(ApiKey)


class Unauthenticated(Exception):
    """No credential, or one that is malformed, unknown or revoked."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever a request comes from."""

    id: str
    is_admin: bool = False

    def may_see(self, owner: str) -> bool:
        return self.is_admin or self.id == owner


class Keyring:
    """Knows credentials. What it has read it trusts for a moment, since every request asks."""

    def __init__(self, readers: Engine, admin_key: str) -> None:
        self._readers = readers
        self._admin_hash = _hash(admin_key)
        self._trusted: dict[str, tuple[float, Principal | None]] = {}

    async def principal_of(self, token: str) -> Principal:
        """Raises `Unauthenticated` for all but a live key."""
        token_hash = _hash(token)
        if hmac.compare_digest(token_hash, self._admin_hash):
            return Principal("admin", is_admin=True)
        until, principal = self._trusted.get(token_hash, (0.0, None))
        if until < time.monotonic():
            principal = await run_in_threadpool(self._read, token)
            if len(self._trusted) >= MOST_REMEMBERED:
                self._trusted.clear()
            self._trusted[token_hash] = (time.monotonic() + TRUSTED_FOR_SECONDS, principal)
        if principal is None:
            raise Unauthenticated
        return principal

    def _read(self, token: str) -> Principal | None:
        parts = token.split("_")
        key_id, secret = (parts[1], parts[2]) if len(parts) == 3 and parts[0] == KEY_PREFIX else ("", "")  # noqa: PLR2004
        with ReadSession(self._readers) as session:
            row = (
                session.execute(_FIND, {"key_id": key_id}).one_or_none()
                if key_id.isascii() and key_id.isalnum()
                else None
            )
        principal, is_admin, expected = row if row is not None else ("", False, _NOBODY)
        is_known = hmac.compare_digest(_hash(secret), expected)  # compared for unknown ids too: equal work
        return Principal(principal, is_admin=is_admin) if is_known else None


def issue_key(tx: Transaction, principal: str, *, is_admin: bool = False) -> str:
    """Make a key for the principal; the text that is returned is the only place that holds the secret."""
    key_id, secret = secrets.token_hex(8), secrets.token_hex(SECRET_BYTES)
    tx.execute(
        _ADD,
        {
            "id": key_id,
            "principal": principal,
            "is_admin": is_admin,
            "secret_hash": _hash(secret),
            "created_at": datetime.now(UTC),
            "revoked_at": None,
        },
    )
    return f"{KEY_PREFIX}_{key_id}_{secret}"


def _hash(secret: str) -> str:
    """A fast hash is right here: the secrets are random, nobody can guess their way through 192 bits."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


_NOBODY = _hash(secrets.token_hex(SECRET_BYTES))


class Bearer(HTTPBearer):
    """Reads the credential and says whose it is, in one dependency: FastAPI charges every request for each."""

    async def __call__(self, request: Request) -> Principal:  # type: ignore[override] # says more than its parent
        credentials = await super().__call__(request)
        if credentials is None or not credentials.credentials:
            raise Unauthenticated
        keyring: Keyring = request.state.keyring
        return await keyring.principal_of(credentials.credentials)


CurrentPrincipal = Annotated[Principal, Depends(Bearer(auto_error=False, description="An API key."))]
