"""Making credentials and taking them back: transaction functions, and the one place where a secret is ever seen."""

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

from orders_service.auth import queries
from orders_service.auth.principals import CUSTOMER_SCOPES, Scope
from orders_service.auth.tables import ApiKey
from pipelines import ReadSession, Transaction

KEY_PREFIX = "ok"
SESSION_PREFIX = "os"
SECRET_BYTES = 24
MOST_LISTED = 1000


class KeyInfo(BaseModel):
    """What may be told of a key: all but its secret."""

    model_config = ConfigDict(frozen=True)

    id: str
    principal: str
    is_admin: bool
    scopes: tuple[Scope, ...]
    created_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class LiveSession:
    """A session that has just been opened; the token is nowhere else."""

    token: str
    expires_at: datetime


def issue_key(
    tx: Transaction, principal: str, *, is_admin: bool = False, scopes: Collection[Scope] = CUSTOMER_SCOPES
) -> str:
    """Make a key for the principal; the text that is returned is the only place that holds the secret."""
    return make_key(tx, principal, is_admin=is_admin, scopes=scopes)[1]


def make_key(
    tx: Transaction, principal: str, *, is_admin: bool = False, scopes: Collection[Scope] = CUSTOMER_SCOPES
) -> tuple[KeyInfo, str]:
    """The same for whoever wants to tell of the key too."""
    info = KeyInfo(
        id=secrets.token_hex(8),
        principal=principal,
        is_admin=is_admin,
        scopes=_in_order(scopes),
        created_at=tx.home.clock.now(),
        revoked_at=None,
    )
    secret = secrets.token_hex(SECRET_BYTES)
    queries.add_key(tx, info.model_dump() | {"scopes": " ".join(info.scopes), "secret_hash": hash_of(secret)})
    return info, f"{KEY_PREFIX}_{info.id}_{secret}"


def revoke_key(tx: Transaction, key_id: str) -> bool:
    """Whether there is such a key. One that was revoked before stays as it is."""
    key = queries.get_key(tx, key_id)
    if key is not None and key.revoked_at is None:
        queries.revoke_key(tx, key_id, tx.home.clock.now())
    return key is not None


def list_keys(session: ReadSession) -> list[KeyInfo]:
    """All keys, newest first, without their secrets."""
    return [_info(key) for key in queries.keys(session, MOST_LISTED)]


def find_key(session: ReadSession, key_id: str) -> KeyInfo | None:
    """What may be told of this one, revoked or not."""
    key = queries.get_key(session, key_id)
    return _info(key) if key is not None else None


def _info(key: ApiKey) -> KeyInfo:
    return KeyInfo(
        id=key.id,
        principal=key.principal,
        is_admin=key.is_admin,
        scopes=_in_order(key.scopes.split()),
        created_at=key.created_at,
        revoked_at=key.revoked_at,
    )


def _in_order(scopes: Collection[str]) -> tuple[Scope, ...]:
    """Those that this release knows; a newer one may have more."""
    return tuple(scope for scope in Scope if scope in scopes)


def open_session(tx: Transaction, principal: str, *, lasts: timedelta) -> LiveSession:
    """A person has logged in."""
    session_id, secret = secrets.token_hex(8), secrets.token_hex(SECRET_BYTES)
    now = tx.home.clock.now()
    queries.add_session(
        tx,
        {
            "id": session_id,
            "principal": principal,
            "secret_hash": hash_of(secret),
            "created_at": now,
            "expires_at": now + lasts,
            "revoked_at": None,
        },
    )
    return LiveSession(f"{SESSION_PREFIX}_{session_id}_{secret}", now + lasts)


def revoke_session(tx: Transaction, token: str) -> None:
    """End the session of this token; one that has ended stays as it is, and a key is not touched."""
    prefix, _, rest = token.partition("_")
    if prefix == SESSION_PREFIX:
        queries.revoke_session(tx, rest.partition("_")[0], tx.home.clock.now())


def revoke_sessions_of(tx: Transaction, principal: str) -> None:
    """End all sessions of somebody, as when the password has changed."""
    queries.revoke_sessions(tx, principal, tx.home.clock.now())


def remove_ended_sessions(tx: Transaction, *, before: datetime, most: int) -> int:
    """Forget what ended before then; says how many, so that whoever cleans up knows whether there are more."""
    return queries.remove_ended(tx, before, most)


def hash_of(secret: str) -> str:
    """A fast hash is right here: the secrets are random, nobody can guess their way through 192 bits."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()
