"""Accounts as their owners, and admins, see them."""

from collections.abc import Sequence
from uuid import UUID

from orders_service.accounts import queries
from orders_service.accounts.errors import UnknownUser
from orders_service.accounts.schemas import CrmStanding, CrmState, UserStatus, UserView
from orders_service.accounts.tables import Spending, User
from orders_service.auth import Principal, user_principal
from orders_service.money import Money
from orders_service.run_links import RunLink
from orders_service.stored_values import as_stored
from pipelines import ReadSession, Transaction


def view_one(session: ReadSession, user_id: UUID, principal: Principal) -> UserView:
    """Raises `UnknownUser` for a missing one and for somebody else's alike."""
    user = queries.find(session, user_id)
    if user is None or not principal.may_see(user_principal(user_id)):
        raise UnknownUser
    return view_of(session, user)


def view_of(session: ReadSession | Transaction, user: User) -> UserView:
    return _view(user, queries.spending_of(session, [user.id])[user.id])


def view_all(session: ReadSession, users: Sequence[User]) -> list[UserView]:
    """Two statements, however many users."""
    spending = queries.spending_of(session, [user.id for user in users])
    return [_view(user, spending[user.id]) for user in users]


def _view(user: User, spending: Sequence[Spending]) -> UserView:
    return UserView(
        id=user.id,
        email=user.email,
        name=user.name,
        status=as_stored(UserStatus, user.status),
        created_at=user.created_at,
        updated_at=user.updated_at,
        version=user.version,
        login_count=user.login_count,
        last_login_at=user.last_login_at,
        orders_count=sum(row.orders_count for row in spending),
        spent=tuple(Money(amount=row.spent, currency=row.currency) for row in spending if row.orders_count),
        last_order_at=max((row.last_order_at for row in spending), default=None),
        crm=CrmStanding(state=as_stored(CrmState, user.crm_state), synced_at=user.crm_synced_at, error=user.crm_error),
        run=RunLink.to(user.run_id),
    )
