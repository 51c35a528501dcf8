"""The SQL of this slice."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import defer
from sqlmodel import col

from orders_service.reports.tables import Report
from pipelines import ReadSession, Transaction

_ADD = insert(Report).values(state="pending")
_KEEP = update(Report).where(col(Report.id) == bindparam("of")).values(result=bindparam("content"))
_SETTLE = (
    update(Report)
    .where(col(Report.id) == bindparam("of"))
    .values(state=bindparam("to"), error=bindparam("because"), finished_at=bindparam("at"))
)
_FIND = select(Report).where(col(Report.id) == bindparam("of"))
_WITHOUT_RESULT = defer(Report.result, raiseload=True)  # type: ignore[arg-type] # SQLModel types a column by its value
_NEWEST = select(Report).options(_WITHOUT_RESULT).order_by(col(Report.id).desc()).limit(bindparam("most"))
_FIND_BY_RUN = select(col(Report.principal)).where(col(Report.run_id) == bindparam("of"))

_BEHIND_RUN = select(Report).options(_WITHOUT_RESULT).where(col(Report.run_id) == bindparam("of"))


def add(tx: Transaction, report: Mapping[str, Any]) -> None:
    tx.defer(_ADD, report)


def keep_result(tx: Transaction, report_id: UUID, result: str) -> None:
    tx.defer(_KEEP, {"of": report_id, "content": result})


def settle(tx: Transaction, report_id: UUID, state: str, error: str | None, at: datetime | None) -> None:
    """Set the state, in the transaction that ends the run or opens it again."""
    tx.defer(_SETTLE, {"of": report_id, "to": state, "because": error, "at": at})


def find(session: ReadSession | Transaction, report_id: UUID, *, with_result: bool = True) -> Report | None:
    statement = _FIND if with_result else _FIND.options(_WITHOUT_RESULT)
    return session.execute(statement, {"of": report_id}).scalar_one_or_none()


def newest(session: ReadSession, *, principal: str | None, before: UUID | None, most: int) -> list[Report]:
    """A page of reports without their results, newest first; of one principal unless `None`."""
    statement = _NEWEST
    if principal is not None:
        statement = statement.where(col(Report.principal) == principal)
    if before is not None:
        statement = statement.where(col(Report.id) < before)
    return list(session.execute(statement, {"most": most}).scalars())


def owner_of_run(session: ReadSession, run_id: UUID) -> str | None:
    """Whose report the run makes."""
    return session.execute(_FIND_BY_RUN, {"of": run_id}).scalar_one_or_none()


def find_by_run(session: ReadSession, run_id: UUID) -> Report | None:
    """Without its result."""
    return session.execute(_BEHIND_RUN, {"of": run_id}).scalar_one_or_none()
