"""The SQL of credentials."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert, null, select, update
from sqlmodel import col

from orders_service.auth.tables import ApiKey, ConsoleSession, Session
from pipelines import ReadSession, Transaction

_FIND_KEY = select(
    col(ApiKey.principal), col(ApiKey.is_admin), col(ApiKey.scopes), col(ApiKey.secret_hash), null()
).where(col(ApiKey.id) == bindparam("of"), col(ApiKey.revoked_at).is_(None))
_FIND_SESSION = select(col(Session.principal), null(), null(), col(Session.secret_hash), col(Session.expires_at)).where(
    col(Session.id) == bindparam("of"), col(Session.revoked_at).is_(None)
)
_ADD_KEY = insert(ApiKey)
_ADD_SESSION = insert(Session)
_REVOKE_KEY = (
    update(ApiKey)
    .where(col(ApiKey.id) == bindparam("of"), col(ApiKey.revoked_at).is_(None))
    .values(revoked_at=bindparam("at"))
)
_REVOKE_SESSION = (
    update(Session)
    .where(col(Session.id) == bindparam("of"), col(Session.revoked_at).is_(None))
    .values(revoked_at=bindparam("at"))
)
_REVOKE_SESSIONS = (
    update(Session)
    .where(col(Session.principal) == bindparam("whose"), col(Session.revoked_at).is_(None))
    .values(revoked_at=bindparam("at"))
)
_EXPIRED = (
    select(col(Session.id))
    .where(col(Session.expires_at) < bindparam("before"))
    .order_by(col(Session.expires_at))
    .limit(bindparam("most"))
)
_REVOKED = (
    select(col(Session.id))
    .where(
        col(Session.revoked_at).is_not(None),
        col(Session.revoked_at) < bindparam("before"),
        col(Session.expires_at) >= bindparam("before"),
    )
    .order_by(col(Session.revoked_at))
    .limit(bindparam("most"))
)
_EXPIRED_CONSOLE = (
    select(col(ConsoleSession.id))
    .where(col(ConsoleSession.expires_at) < bindparam("before"))
    .order_by(col(ConsoleSession.expires_at))
    .limit(bindparam("most"))
)
_REMOVE_CONSOLE = delete(ConsoleSession).where(col(ConsoleSession.id) == bindparam("of"))
_NEWEST = select(ApiKey).order_by(col(ApiKey.created_at).desc(), col(ApiKey.id)).limit(bindparam("most"))


def find_key(session: ReadSession, key_id: str) -> Any:
    """Principal, whether an admin, scopes, hash, no end; None for a revoked or unknown one."""
    return session.execute(_FIND_KEY, {"of": key_id}).one_or_none()


def find_session(session: ReadSession, session_id: str) -> Any:
    """The same five of a session; the second and the third are nothing."""
    return session.execute(_FIND_SESSION, {"of": session_id}).one_or_none()


def add_key(tx: Transaction, row: dict[str, Any]) -> None:
    tx.defer(_ADD_KEY, row)


def add_session(tx: Transaction, row: dict[str, Any]) -> None:
    tx.defer(_ADD_SESSION, row)


def get_key(session: ReadSession | Transaction, key_id: str) -> ApiKey | None:
    return session.get(ApiKey, key_id)


def revoke_key(tx: Transaction, key_id: str, at: datetime) -> None:
    tx.defer(_REVOKE_KEY, {"of": key_id, "at": at})


def revoke_session(tx: Transaction, session_id: str, at: datetime) -> None:
    tx.execute(_REVOKE_SESSION, {"of": session_id, "at": at})


def revoke_sessions(tx: Transaction, principal: str, at: datetime) -> None:
    tx.execute(_REVOKE_SESSIONS, {"whose": principal, "at": at})


def keys(session: ReadSession, most: int) -> Sequence[ApiKey]:
    """Newest first, revoked ones too."""
    return session.execute(_NEWEST, {"most": most}).scalars().all()


def console_session(session: ReadSession, session_id: str) -> ConsoleSession | None:
    return session.get(ConsoleSession, session_id)


def remove_console_session(tx: Transaction, session_id: str) -> None:
    tx.execute(_REMOVE_CONSOLE, {"of": session_id})


def remove_ended(tx: Transaction, before: datetime, most: int) -> int:
    """Forget sessions that ended before then, those of the console too; says how many."""
    removed = _remove(tx, Session, (_EXPIRED, _REVOKED), before, most)
    return removed + _remove(tx, ConsoleSession, (_EXPIRED_CONSOLE,), before, most - removed)


def _remove(tx: Transaction, table: Any, ended: Sequence[Any], before: datetime, most: int) -> int:
    ids: list[str] = []
    for statement in ended:
        if left := most - len(ids):
            ids += tx.execute(statement, {"before": before, "most": left}).scalars()
    if ids:
        tx.execute(delete(table).where(table.id.in_(sorted(ids))))
    return len(ids)
