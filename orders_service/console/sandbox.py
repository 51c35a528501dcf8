"""The development sandbox as a page shows it: the mailbox, what the warehouse received, what the CRM knows."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import parsedate_to_datetime
from typing import Any, Self

from orders_service.sandbox import Sandbox


@dataclass(frozen=True, slots=True)
class MailRow:
    """The outside of a mail."""

    id: str
    to: str
    subject: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Told:
    """Something that a stand-in was told, as JSON with line breaks; `label` says in a word what it is."""

    id: str
    label: str
    about: str
    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Contents:
    """All of it, newest first. `mark` changes when any of it does."""

    mails: Sequence[MailRow]
    events: Sequence[Told]
    users: Sequence[Told]

    @classmethod
    def of(cls, sandbox: Sandbox) -> Self:
        """Reads files: not for the event loop."""
        return cls(
            mails=[MailRow(mail.id, mail.to, mail.subject, _moment(mail.date)) for mail in sandbox.mailbox.newest()],
            events=[
                _told(
                    each.id, str(each.event.get("type", "event")), _order_in(each.event), each.received_at, each.event
                )
                for each in sandbox.warehouse.received()
            ],
            users=[
                _told(each.key, str(each.user.get("name", "")), each.id, each.received_at, each.user)
                for each in sandbox.crm.users()
            ],
        )

    @property
    def mark(self) -> str:
        shown = [[each.id for each in rows] for rows in (self.mails, self.events, self.users)]
        return hashlib.sha256(json.dumps(shown).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class MailText:
    """A mail as people read it."""

    sender: str
    to: str
    subject: str
    date: str
    text: str

    @classmethod
    def of(cls, mail: bytes) -> Self:
        message = message_from_bytes(mail, _class=EmailMessage, policy=default)
        body = message.get_body(("plain", "html"))
        return cls(
            sender=str(message["From"]),
            to=str(message["To"]),
            subject=str(message["Subject"]),
            date=str(message["Date"]),
            text=body.get_content() if body is not None else "",
        )


def _told(key: str, label: str, about: str, at: str, value: dict[str, Any]) -> Told:
    return Told(key, label, about, datetime.fromisoformat(at), json.dumps(value, ensure_ascii=False, indent=2))


def _order_in(event: dict[str, Any]) -> str:
    data = event.get("data")
    return str(data.get("order_id") or data.get("id") or "") if isinstance(data, dict) else ""


def _moment(date: str) -> datetime | None:
    try:
        return parsedate_to_datetime(date).astimezone(UTC)
    except ValueError:
        return None
