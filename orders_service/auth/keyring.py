"""Knows credentials. What it has read it trusts for a moment, since every request asks."""

import hmac
import secrets
import time
from datetime import datetime
from typing import Any

from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool

from orders_service.auth import queries
from orders_service.auth.credentials import KEY_PREFIX, SECRET_BYTES, SESSION_PREFIX, hash_of
from orders_service.auth.errors import Unauthenticated
from orders_service.auth.principals import ADMIN, CUSTOMER_SCOPES, Principal, Scope
from pipelines import Clock, ReadSession

TRUSTED_FOR_SECONDS = (
    2.0  # a revoked credential may work for so long, in other processes than the one it was revoked in
)
MOST_REMEMBERED = 10_000

_NOBODY = hash_of(secrets.token_hex(SECRET_BYTES))
_PARTS = 3
_FINDERS = {KEY_PREFIX: queries.find_key, SESSION_PREFIX: queries.find_session}
_KNOWN_SCOPES = {scope.value: scope for scope in Scope}


class Keyring:
    """Says whose a bearer credential is."""

    def __init__(self, readers: Engine, admin_key: str, clock: Clock) -> None:
        self._readers = readers
        self._clock = clock
        self._admin_hash = hash_of(admin_key)
        self._trusted: dict[str, tuple[float, Principal | None]] = {}
        self._forgotten = 0  # how often: what was being read meanwhile is not to be trusted any more

    async def principal_of(self, token: str) -> Principal:
        """Raises `Unauthenticated` for all but a live credential."""
        token_hash = hash_of(token)
        if self.is_of_admin(token_hash):
            return ADMIN
        until, principal = self._trusted.get(token_hash, (0.0, None))
        if until < time.monotonic():
            forgotten = self._forgotten
            principal = await run_in_threadpool(self._read, token)
            if forgotten == self._forgotten:
                self._trust(token_hash, principal)
        if principal is None:
            raise Unauthenticated
        return principal

    def is_of_admin(self, token_hash: str) -> bool:
        """Whether it is the hash of the bootstrap key, as it is set now."""
        return hmac.compare_digest(token_hash, self._admin_hash)

    def now(self) -> datetime:
        """By the clock that credentials end by."""
        return self._clock.now()

    def _trust(self, token_hash: str, principal: Principal | None) -> None:
        if len(self._trusted) >= MOST_REMEMBERED:
            self._trusted.clear()
        self._trusted[token_hash] = (time.monotonic() + TRUSTED_FOR_SECONDS, principal)

    def forget(self, token: str) -> None:
        """Trust it no longer: it has been revoked."""
        self._forgotten += 1
        self._trusted.pop(hash_of(token), None)

    def forget_all(self) -> None:
        """The same for credentials of which the token is not at hand."""
        self._forgotten += 1
        self._trusted.clear()

    def _read(self, token: str) -> Principal | None:
        row, secret = None, ""
        parts = token.split("_")
        if len(parts) == _PARTS and parts[0] in _FINDERS and parts[1].isascii() and parts[1].isalnum():
            prefix, name, secret = parts
            with ReadSession(self._readers) as session:
                row = _FINDERS[prefix](session, name)
        expected = row[3] if row is not None else _NOBODY
        is_known = hmac.compare_digest(hash_of(secret), expected)  # compared for unknown ids too: equal work
        return self._principal(row) if is_known and row is not None else None

    def _principal(self, row: Any) -> Principal | None:
        principal, is_admin, scopes, _, expires_at = row
        if expires_at is not None and expires_at <= self._clock.now():
            return None
        if scopes is None:
            return Principal(principal, scopes=CUSTOMER_SCOPES)
        known = (_KNOWN_SCOPES[word] for word in scopes.split() if word in _KNOWN_SCOPES)  # a newer release has more
        return Principal(principal, is_admin=is_admin, scopes=frozenset(known))
