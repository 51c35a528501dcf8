"""Somebody signed up with an address that has an account: its owner is told, once a day and by mail only."""

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from orders_service import audit
from orders_service.accounts.letters import reminder_to
from orders_service.accounts.welcoming import NewAccount
from orders_service.destinations import ATTEMPTS, FOR_AN_HOUR, MAIL
from orders_service.gateways import Mail, MailUnavailable
from pipelines import Pipeline, Retry, StepContext, Transaction, start


class KnownAccount(BaseModel):
    """Whose address it was, and who came with it; nothing else of what was typed is kept."""

    model_config = ConfigDict(frozen=True)

    user_id: UUID
    email: str
    at: datetime
    request_id: str | None = None
    ip: str | None = None

    @classmethod
    def of(cls, owner: UUID, asked: NewAccount) -> Self:
        return cls(user_id=owner, email=asked.email, at=asked.signed_up_at, request_id=asked.request_id, ip=asked.ip)


remind_owner = Pipeline("remind-owner", KnownAccount)


@remind_owner.step()
def audit_attempt(known: KnownAccount, tx: Transaction) -> None:
    note = audit.Note(
        actor="anonymous",
        actor_type="anonymous",
        action="signup_repeated",
        subject_type="user",
        subject_id=str(known.user_id),
        request_id=known.request_id,
        ip=known.ip,
    )
    audit.record(tx, note, outcome="refused")


@remind_owner.step(retry=Retry(on=(MailUnavailable,), attempts=ATTEMPTS, wait=FOR_AN_HOUR), timeout=40, to=MAIL)
async def send_reminder(known: KnownAccount, mail: Mail, step: StepContext) -> None:
    await mail.send(reminder_to(known.email, known.at), key=step.idempotency_key)


def remind(tx: Transaction, known: KnownAccount) -> None:
    """The first one of a day; a stranger who goes on trying fills nobody's mailbox."""
    start(tx, remind_owner, known, key=f"{known.user_id}/{known.at.date()}")
