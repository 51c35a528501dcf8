"""What happens to an account once its owner has been told that it is open."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from orders_service import audit
from orders_service.accounts import queries
from orders_service.accounts.letters import salutation_of, welcome_to
from orders_service.accounts.syncing import start_sync
from orders_service.auth import revoke_sessions_of, user_principal
from orders_service.destinations import ATTEMPTS, FOR_AN_HOUR, MAIL
from orders_service.disposable_domains import DISPOSABLE_DOMAINS, domain_of
from orders_service.gateways import Mail, MailRefused, MailUnavailable
from pipelines import Ending, Pipeline, Reject, Retry, RunState, StepContext, Transaction


class NewAccount(BaseModel):
    """An account as its pipeline carries it; a new field needs a default."""

    model_config = ConfigDict(frozen=True)

    user_id: UUID
    email: str
    name: str
    signed_up_at: datetime
    request_id: str | None = None
    ip: str | None = None


class Welcomed(BaseModel):
    """Whether the letter was taken; an address that takes none opens an account all the same."""

    model_config = ConfigDict(frozen=True)

    is_written_to: bool


class Profile(BaseModel):
    """How the person is addressed."""

    model_config = ConfigDict(frozen=True)

    salutation: str | None


welcome = Pipeline("welcome", NewAccount)


@welcome.step()
def validate_account(account: NewAccount, tx: Transaction) -> None:
    if domain_of(account.email) in DISPOSABLE_DOMAINS:
        raise Reject(f"we open no accounts at {domain_of(account.email)}")
    if queries.id_of(tx, account.email) != account.user_id:
        raise Reject("the account is gone")


@welcome.step()
def make_profile(account: NewAccount, tx: Transaction) -> Profile:
    profile = Profile(salutation=salutation_of(account.name))
    queries.activate(tx, account.user_id, profile.salutation)
    return profile


@welcome.step(retry=Retry(on=(MailUnavailable,), attempts=ATTEMPTS, wait=FOR_AN_HOUR), timeout=40, to=MAIL)
async def send_welcome(account: NewAccount, profile: Profile, mail: Mail, step: StepContext) -> Welcomed:
    letter = welcome_to(account.email, profile.salutation, account.signed_up_at)
    try:
        await mail.send(letter, key=step.idempotency_key)
    except MailRefused:  # for good: the rest is owed nevertheless
        return Welcomed(is_written_to=False)
    return Welcomed(is_written_to=True)


@welcome.step()
def sync_crm(account: NewAccount, tx: Transaction) -> None:
    """By a run of its own: all that the CRM is told of one user stands in one line."""
    start_sync(tx, account.user_id)


@welcome.step()
def audit_signup(account: NewAccount, welcomed: Welcomed, tx: Transaction) -> None:
    note = audit.Note(
        actor=user_principal(account.user_id),
        actor_type="user",
        action="user_signed_up",
        subject_type="user",
        subject_id=str(account.user_id),
        request_id=account.request_id,
        ip=account.ip,
    )
    said = {"signed_up_at": account.signed_up_at.isoformat(), "welcome_mail_taken": welcomed.is_written_to}
    audit.record(tx, note, after=said)


@welcome.at_end
def finish_welcome(account: NewAccount, ending: Ending, tx: Transaction) -> None:
    """Whoever was refused for a business reason gets no further; a mail that never got through closes no account."""
    if ending.state is not RunState.REJECTED:
        return
    queries.refuse(tx, account.user_id)
    revoke_sessions_of(tx, user_principal(account.user_id))
    note = audit.Note(
        actor=welcome.name,
        actor_type="service",
        action="user_refused",
        subject_type="user",
        subject_id=str(account.user_id),
    )
    audit.record(tx, note, after={"reason": ending.reason})
