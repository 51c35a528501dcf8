"""The SQL of this slice."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, insert, select
from sqlmodel import col

from orders_service.audit.tables import AuditEntry
from pipelines import ReadSession, Transaction

_ADD = insert(AuditEntry)
_NEWEST = select(AuditEntry).order_by(col(AuditEntry.id).desc()).limit(bindparam("most"))


def add(tx: Transaction, row: dict[str, Any]) -> None:
    tx.defer(_ADD, row)


def newest(
    session: ReadSession,
    *,
    where: Mapping[str, str],
    since: datetime | None,
    until: datetime | None,
    before: UUID | None,
    most: int,
) -> list[AuditEntry]:
    """A page of entries, newest first; `where` names columns and what they have to be."""
    statement = _NEWEST.filter_by(**where)
    if since is not None:
        statement = statement.where(col(AuditEntry.at) >= since)
    if until is not None:
        statement = statement.where(col(AuditEntry.at) < until)
    if before is not None:
        statement = statement.where(col(AuditEntry.id) < before)
    return list(session.execute(statement, {"most": most}).scalars())
