"""Somebody logs in, or is refused; what is worth counting and auditing about it is done by a run of its own."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from orders_service import audit
from orders_service.accounts import queries
from orders_service.accounts.schemas import UserStatus
from orders_service.auth import LiveSession, Unauthenticated, open_session, revoke_session, user_principal
from pipelines import Pipeline, Transaction, start

UNKNOWN = "unknown"
LONGEST_AGENT = 300


class SeenLogin(BaseModel):
    """A login as its pipeline carries it; a new field needs a default."""

    model_config = ConfigDict(frozen=True)

    user_id: UUID
    at: datetime
    request_id: str | None = None
    ip: str | None = None
    user_agent: str | None = None


record_login = Pipeline("record-login", SeenLogin)


@record_login.step()
def count_login(login: SeenLogin, tx: Transaction) -> None:
    queries.count_login(tx, login.user_id, login.at)


@record_login.step()
def audit_login(login: SeenLogin, tx: Transaction) -> None:
    note = audit.Note(
        actor=user_principal(login.user_id),
        actor_type="user",
        action="user_logged_in",
        subject_type="user",
        subject_id=str(login.user_id),
        request_id=login.request_id,
        ip=login.ip,
    )
    audit.record(tx, note, after={"at": login.at.isoformat(), "user_agent": login.user_agent})


def log_in(
    tx: Transaction, user_id: UUID, checked: str, note: audit.Note, *, user_agent: str | None, lasts: timedelta
) -> LiveSession:
    """A session for whoever gave the password of this hash. Raises `Unauthenticated` if it is another one by now."""
    user = queries.lock(tx, user_id)
    if user is None or user.password_hash != checked or user.status == UserStatus.REFUSED:
        raise Unauthenticated
    login = SeenLogin(
        user_id=user_id,
        at=tx.home.clock.now(),
        request_id=note.request_id,
        ip=note.ip,
        user_agent=printable(user_agent),
    )
    start(tx, record_login, login)
    return open_session(tx, user_principal(user_id), lasts=lasts)


def note_refusal(tx: Transaction, whose: UUID | None, left: int, note: audit.Note) -> None:
    """The same COMMIT for known and unknown addresses; of what was typed nothing is kept, for it may be a password."""
    if left < 0:
        return
    after = {"note": "no more of these are recorded until the hour is over"} if left == 0 else None
    audit.record(tx, replace(note, subject_id=subject_of(whose)), after=after, outcome="refused")


def subject_of(whose: UUID | None) -> str:
    """Whom a refused login was about, as the audit calls them."""
    return str(whose or UNKNOWN)


def log_out(tx: Transaction, token: str, note: audit.Note) -> None:
    revoke_session(tx, token)
    audit.record(tx, note)


def printable(user_agent: str | None) -> str | None:
    """As it may be stored and shown: short, and without what a terminal or a database might stumble over."""
    if user_agent is None:
        return None
    return "".join(each if each.isprintable() else "?" for each in user_agent[:LONGEST_AGENT])
