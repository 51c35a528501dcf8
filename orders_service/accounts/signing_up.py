"""Somebody signs up. Whether the address has an account already shows in no answer: its owner learns it by mail."""

import hashlib
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from orders_service import audit
from orders_service.accounts import queries
from orders_service.accounts.passwords import SALT_BYTES
from orders_service.accounts.reminding import KnownAccount, remind
from orders_service.accounts.schemas import CrmStanding, CrmState, SignupDraft, UserStatus, UserView
from orders_service.accounts.welcoming import NewAccount, welcome
from orders_service.auth import Principal
from orders_service.idempotency import Answer, OnceKey, recall, remember
from orders_service.ids import new_id
from orders_service.run_links import RunLink
from pipelines import Transaction, start

CREATED = 201
FIRST_VERSION = 1


class _Asked(BaseModel):
    """What makes two requests the same. Of the password only its argon2 hash, or a fast one of it would be kept."""

    model_config = ConfigDict(frozen=True)

    email: str
    name: str
    password_hash: str


def stranger(draft: SignupDraft) -> Principal:
    """To whom an idempotency key belongs that comes without a credential: whoever names this address."""
    return Principal(f"signup:{hashlib.sha256(draft.email.encode()).hexdigest()}")


def salt_for(once: OnceKey) -> bytes | None:
    """The same for a repeated request, so that its hash is; without a key it is drawn."""
    if once.key is None:
        return None
    return hashlib.sha256(f"{once.scope}\0{once.key}".encode()).digest()[:SALT_BYTES]


def sign_up(tx: Transaction, draft: SignupDraft, password_hash: str, once: OnceKey, note: audit.Note) -> Answer:
    """An account and its welcome, or a reminder to its owner; one answer for both, remembered under the key."""
    asked = _Asked(email=draft.email, name=draft.name, password_hash=password_hash)
    if earlier := recall(tx, once, asked):
        return earlier
    account = NewAccount(
        user_id=new_id(),
        email=draft.email,
        name=draft.name,
        signed_up_at=tx.home.clock.now(),
        request_id=note.request_id,
        ip=note.ip,
    )
    owner = queries.id_of(tx, account.email)
    if owner is None:
        run_id = start(tx, welcome, account)
        _add(tx, account, password_hash, run_id)
    else:
        # An id that leads nowhere, as that of a new account's run does for a stranger; drawn before any other, because
        # ids of one millisecond count upwards and would show that there was one between.
        run_id = new_id()
        remind(tx, KnownAccount.of(owner, account))
    answer = Answer(CREATED, view_of_new(account, run_id).model_dump_json())
    return remember(tx, once, asked, answer)


def _add(tx: Transaction, account: NewAccount, password_hash: str, run_id: UUID) -> None:
    user = {
        "id": account.user_id,
        "email": account.email,
        "name": account.name,
        "salutation": None,
        "password_hash": password_hash,
        "status": UserStatus.NEW,
        "version": FIRST_VERSION,
        "login_count": 0,
        "last_login_at": None,
        "run_id": run_id,
        "crm_state": CrmState.PENDING,
        "crm_version": 0,
        "crm_synced_at": None,
        "crm_error": None,
    }
    queries.add(tx, user | _dated(account.signed_up_at))


def _dated(at: datetime) -> dict[str, datetime]:
    return {"created_at": at, "updated_at": at}


def view_of_new(account: NewAccount, run_id: UUID) -> UserView:
    """Made of what was sent alone, so that it is the same whether there is such an account or not."""
    return UserView(
        id=account.user_id,
        email=account.email,
        name=account.name,
        status=UserStatus.NEW,
        version=FIRST_VERSION,
        login_count=0,
        orders_count=0,
        spent=(),
        crm=CrmStanding(state=CrmState.PENDING),
        run=RunLink.to(run_id),
        **_dated(account.signed_up_at),
    )
