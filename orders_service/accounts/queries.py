"""The SQL of this slice."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Insert, bindparam, case, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from orders_service.accounts.tables import Spending, User
from pipelines import ReadSession, Transaction

_ADD = insert(User)
_ID_OF = select(col(User.id)).where(col(User.email) == bindparam("address"))
_CREDENTIALS = select(col(User.id), col(User.password_hash)).where(col(User.email) == bindparam("address"))
_FIND = select(User).where(col(User.id) == bindparam("of"))
_LOCK = _FIND.with_for_update().execution_options(populate_existing=True)
_SPENDING = (
    select(Spending)
    .where(col(Spending.user_id).in_(bindparam("of", expanding=True)))
    .order_by(col(Spending.user_id), col(Spending.currency))
)
_NEWEST = select(User).order_by(col(User.id).desc()).limit(bindparam("most"))
_COUNT_LOGIN = (
    update(User)
    .where(col(User.id) == bindparam("of"))
    .values(
        login_count=col(User.login_count) + 1,
        last_login_at=case(
            (or_(col(User.last_login_at).is_(None), col(User.last_login_at) < bindparam("at")), bindparam("at")),
            else_=col(User.last_login_at),
        ),
    )
)
_OF = update(User).where(col(User.id) == bindparam("of"))
_CHANGES = {
    "name": _OF.values(
        name=bindparam("new_name"),
        salutation=bindparam("new_salutation"),
        updated_at=bindparam("at"),
        version=col(User.version) + 1,
    ),
    "password": _OF.values(
        password_hash=bindparam("new_hash"), updated_at=bindparam("at"), version=col(User.version) + 1
    ),
}
_OPEN = _OF.values(status="active", salutation=bindparam("new_salutation"))
_REFUSE = _OF.values(status="refused")
_SYNC_BEGINS = _OF.values(crm_state="pending", crm_error=None, run_id=bindparam("run"))
_SYNC_IS_OPEN = _OF.values(crm_state="pending", crm_error=None)
_SYNC_FAILS = _OF.values(crm_state="failed", crm_error=bindparam("because"))
_SYNCED = _OF.values(
    crm_state=bindparam("to"), crm_error=None, crm_version=bindparam("has"), crm_synced_at=bindparam("at")
)


def _counting(insert: Any) -> Insert:
    adding = insert(Spending).values(orders_count=1)
    offered = adding.excluded
    counting: Insert = adding.on_conflict_do_update(
        index_elements=[col(Spending.user_id), col(Spending.currency)],
        set_={
            "orders_count": col(Spending.orders_count) + 1,
            "spent": col(Spending.spent) + offered.spent,
            "last_order_at": case(
                (offered.last_order_at > col(Spending.last_order_at), offered.last_order_at),
                else_=col(Spending.last_order_at),
            ),
        },
    )
    return counting


_COUNT = {"sqlite": _counting(sqlite.insert), "postgresql": _counting(postgresql.insert)}
_TAKE_BACK = (
    update(Spending)
    .where(
        col(Spending.user_id) == bindparam("of"),
        col(Spending.currency) == bindparam("in_currency"),
        # an order that completed before purchases were counted must not keep its cancellation from its end
        col(Spending.orders_count) > 0,
        col(Spending.spent) >= bindparam("amount"),
    )
    .values(orders_count=col(Spending.orders_count) - 1, spent=col(Spending.spent) - bindparam("amount"))
)


def add(tx: Transaction, user: Mapping[str, Any]) -> None:
    """A new user, whom everybody who asks in this batch finds."""
    tx.noted["account", user["email"]] = user["id"]
    tx.defer(_ADD, user)


def id_of(tx: Transaction, address: str) -> UUID | None:
    """Whose address it is; the row of somebody of this very batch is not in the table yet."""
    noted: UUID | None = tx.noted.get(("account", address))
    return noted or tx.core.execute(_ID_OF, {"address": address}).scalar_one_or_none()


class Credentials(NamedTuple):
    """What a password is checked against."""

    id: UUID
    password_hash: str


def credentials_of(session: ReadSession, address: str) -> Credentials | None:
    row = session.execute(_CREDENTIALS, {"address": address}).one_or_none()
    return Credentials(*row) if row is not None else None


def find(session: ReadSession | Transaction, user_id: UUID) -> User | None:
    return session.execute(_FIND, {"of": user_id}).scalar_one_or_none()


def lock(tx: Transaction, user_id: UUID) -> User | None:
    """As it is now, whatever this batch has changed, and it stays so for other processes."""
    return tx.execute(_LOCK, {"of": user_id}).scalar_one_or_none()


def spending_of(session: ReadSession | Transaction, users: Sequence[UUID]) -> dict[UUID, list[Spending]]:
    found: dict[UUID, list[Spending]] = {user_id: [] for user_id in users}
    for row in session.execute(_SPENDING, {"of": list(users)}).scalars():
        found[row.user_id].append(row)
    return found


def newest(session: ReadSession, *, email: str | None, before: UUID | None, most: int) -> list[User]:
    """A page of users, newest first."""
    statement = _NEWEST
    if email is not None:
        statement = statement.where(col(User.email) == email)
    if before is not None:
        statement = statement.where(col(User.id) < before)
    return list(session.execute(statement, {"most": most}).scalars())


def count_login(tx: Transaction, user_id: UUID, at: datetime) -> None:
    tx.defer(_COUNT_LOGIN, {"of": user_id, "at": at})


def rename(tx: Transaction, user_id: UUID, name: str, salutation: str | None, at: datetime) -> None:
    tx.execute(_CHANGES["name"], {"of": user_id, "new_name": name, "new_salutation": salutation, "at": at})


def set_password(tx: Transaction, user_id: UUID, password_hash: str, at: datetime) -> None:
    tx.execute(_CHANGES["password"], {"of": user_id, "new_hash": password_hash, "at": at})


def activate(tx: Transaction, user_id: UUID, salutation: str | None) -> None:
    tx.execute(_OPEN, {"of": user_id, "new_salutation": salutation})


def refuse(tx: Transaction, user_id: UUID) -> None:
    tx.execute(_REFUSE, {"of": user_id})


def sync_begins(tx: Transaction, user_id: UUID, run_id: UUID) -> None:
    tx.execute(_SYNC_BEGINS, {"of": user_id, "run": run_id})


def sync_is_open(tx: Transaction, user_id: UUID) -> None:
    tx.execute(_SYNC_IS_OPEN, {"of": user_id})


def sync_fails(tx: Transaction, user_id: UUID, reason: str | None) -> None:
    tx.execute(_SYNC_FAILS, {"of": user_id, "because": reason})


def synced(tx: Transaction, user_id: UUID, *, state: str, version: int, at: datetime) -> None:
    tx.execute(_SYNCED, {"of": user_id, "to": state, "has": version, "at": at})


def count_purchase(tx: Transaction, user_id: UUID, *, currency: str, amount: int, at: datetime) -> None:
    row = {"user_id": user_id, "currency": currency, "spent": amount, "last_order_at": at}
    tx.defer(_COUNT[tx.core.dialect.name], row)


def take_back_purchase(tx: Transaction, user_id: UUID, *, currency: str, amount: int) -> None:
    tx.defer(_TAKE_BACK, {"of": user_id, "in_currency": currency, "amount": amount})
