"""What people change of their account: the name, which the CRM is told, and the password, which ends their sessions."""

from uuid import UUID

from orders_service import audit
from orders_service.accounts import queries
from orders_service.accounts.errors import UnknownUser, UserHasChanged, WrongPassword
from orders_service.accounts.letters import salutation_of
from orders_service.accounts.schemas import UserChange, UserView
from orders_service.accounts.syncing import start_sync
from orders_service.accounts.tables import User
from orders_service.accounts.tags import allows
from orders_service.accounts.viewing import view_of
from orders_service.auth import revoke_sessions_of, user_principal
from pipelines import Transaction


def change_user(tx: Transaction, user_id: UUID, change: UserChange, if_match: str | None, note: audit.Note) -> UserView:
    """Raises `UserHasChanged` when the client has seen another version. What is the same already changes nothing."""
    user = _locked(tx, user_id)
    if not allows(if_match, user.version):
        raise UserHasChanged
    if user.name != change.name:
        audit.record(tx, note, before={"name": user.name}, after={"name": change.name})
        queries.rename(tx, user_id, change.name, salutation_of(change.name), tx.home.clock.now())
        start_sync(tx, user_id)
    return view_of(tx, _locked(tx, user_id))


def change_password(tx: Transaction, user_id: UUID, checked: str, new_hash: str, note: audit.Note) -> None:
    """Whoever had a session has none any more. Raises `WrongPassword` if the one that was checked is gone by now."""
    if _locked(tx, user_id).password_hash != checked:
        raise WrongPassword
    queries.set_password(tx, user_id, new_hash, tx.home.clock.now())
    revoke_sessions_of(tx, user_principal(user_id))
    audit.record(tx, note)


def _locked(tx: Transaction, user_id: UUID) -> User:
    user = queries.lock(tx, user_id)
    if user is None:
        raise UnknownUser
    return user
