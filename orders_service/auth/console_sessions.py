"""Sessions of the console: a browser keeps a cookie, and never the credential that somebody signed in with.

What a session may do is what its credential may do now: it ends with the key, and with a change of the admin's key.
"""

import hmac
import secrets
from datetime import timedelta

from orders_service.auth import queries
from orders_service.auth.credentials import KEY_PREFIX, SECRET_BYTES, find_key, hash_of
from orders_service.auth.errors import Unauthenticated
from orders_service.auth.keyring import Keyring
from orders_service.auth.principals import ADMIN, Principal
from orders_service.auth.tables import ConsoleSession
from pipelines import ReadSession, Transaction

CONSOLE_SESSIONS_LAST = timedelta(hours=12)
_PARTS = 2


def open_console_session(tx: Transaction, credential: str) -> str:
    """Whoever holds this credential has signed in; the text that is returned is the cookie's, and nowhere else."""
    session_id, secret = secrets.token_hex(8), secrets.token_hex(SECRET_BYTES)
    prefix, _, rest = credential.partition("_")
    now = tx.home.clock.now()
    tx.add(
        ConsoleSession(
            id=session_id,
            key_id=rest.partition("_")[0] if prefix == KEY_PREFIX else None,
            credential_hash=hash_of(credential),
            secret_hash=hash_of(secret),
            created_at=now,
            expires_at=now + CONSOLE_SESSIONS_LAST,
        )
    )
    return f"{session_id}_{secret}"


def close_console_session(tx: Transaction, cookie: str) -> None:
    """Forget it; fine if it is gone."""
    queries.remove_console_session(tx, cookie.partition("_")[0])


def behind_console_session(session: ReadSession, keyring: Keyring, cookie: str) -> Principal:
    """Who has signed in. Raises `Unauthenticated` when that session, or its credential, is no more."""
    row = _row(session, cookie)
    if row is None or row.expires_at <= keyring.now():
        raise Unauthenticated
    if keyring.is_of_admin(row.credential_hash):  # whatever it looks like
        return ADMIN
    key = find_key(session, row.key_id) if row.key_id is not None else None
    if key is None or key.revoked_at is not None:
        raise Unauthenticated
    return Principal(key.principal, is_admin=key.is_admin, scopes=frozenset(key.scopes))


def _row(session: ReadSession, cookie: str) -> ConsoleSession | None:
    parts = cookie.split("_")
    if len(parts) != _PARTS or not parts[0].isalnum() or not parts[0].isascii():
        return None
    row = queries.console_session(session, parts[0])
    return row if row is not None and hmac.compare_digest(hash_of(parts[1]), row.secret_hash) else None
