"""Letters to customers: what one holds, how it is written down, and what may be asked of whoever sends it."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime, parseaddr
from enum import StrEnum
from typing import Protocol

from orders_service.gateways.errors import MailRefused

_ATOM = r"[^\s<>()\[\],;:\\\"@\x00-\x20\x7f-\x9f\u2028\u2029\ud800-\udfff]"
_ONE_ADDRESS = re.compile(rf"{_ATOM}{{1,64}}@{_ATOM}{{1,255}}")
_UNFIT_FOR_HEADERS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_UNFIT_FOR_TEXT = re.compile(r"[\x00\ud800-\udfff]")
_KEY = re.compile(r"[A-Za-z0-9_-]{1,128}")

# All of these need no encoding and no folding.
_PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9.+_-]{1,30}@[A-Za-z0-9.-]{1,40}")
_PLAIN_SUBJECT = re.compile(r"[A-Za-z0-9](?:[ A-Za-z0-9.,:#()/'!-]{0,60}[A-Za-z0-9.!])?")
_PLAIN_TEXT = re.compile(r"(?:[ -~]{0,76}\n)+")

_SEVEN_BIT = SMTP.clone(cte_type="7bit")  # no server need understand more
_SEVEN_BIT_UTF8 = SMTPUTF8.clone(cte_type="7bit")


class Template(StrEnum):
    """What a letter is about, for whoever counts them: a closed set."""

    ORDER_CONFIRMED = "order.confirmed"
    ORDER_SHIPPED = "order.shipped"
    ORDER_REFUSED = "order.refused"
    ORDER_REJECTED = "order.rejected"
    ORDER_FAILED = "order.failed"
    ORDER_CANCELLED = "order.cancelled"
    ORDER_CANCELLATION_REFUSED = "order.cancellation_refused"
    ACCOUNT_WELCOME = "account.welcome"
    ACCOUNT_REMINDER = "account.reminder"
    REPORT_READY = "report.ready"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail to one address. What could become a header of its own is refused with `MailRefused`.

    `written_at` dates it, and makes all attempts equal; without it, each attempt has its own date. `template` is not
    written down.
    """

    to: str
    subject: str
    text: str
    html: str | None = None
    written_at: datetime | None = None
    template: Template = Template.OTHER

    def __post_init__(self) -> None:
        if not _ONE_ADDRESS.fullmatch(self.to):
            raise MailRefused("`to` must be one address, without a name, line breaks or control characters")
        if _UNFIT_FOR_HEADERS.search(self.subject):
            raise MailRefused("`subject` must not hold line breaks or control characters")
        if _UNFIT_FOR_TEXT.search(self.text) or _UNFIT_FOR_TEXT.search(self.html or ""):
            raise MailRefused("a mail must not hold NUL or half a character")


class Mail(Protocol):
    """Returns when the letter is on its way; the same `key` again is the same letter, with the same Message-ID."""

    async def send(self, letter: Letter, *, key: str) -> None:
        """Raises `MailRefused` (final) or `MailUnavailable` (try again)."""


class Letterhead:
    """Writes letters down as they travel: from one sender, under a Message-ID made of the key and his domain."""

    def __init__(self, sender: str) -> None:
        name, self.address = parseaddr(sender)
        if not _ONE_ADDRESS.fullmatch(self.address) or not self.address.isascii():
            raise ValueError("The sender of mails must be an address, or a name and an address in angle brackets.")
        self._from = Address(display_name=name, addr_spec=self.address)
        self._domain = self.address.rpartition("@")[2]
        self._head = bytes(self._started(utf8=False)).split(b"\r\n\r\n")[0].decode() + "\r\n"

    def write(self, letter: Letter, key: str) -> bytes:
        """The bytes of the mail: the same for the same letter and key, if the letter says when it was written."""
        if not _KEY.fullmatch(key):
            raise ValueError("The key of a letter is made of letters, digits, - and _.")
        date = (letter.written_at or datetime.now(UTC)).astimezone(UTC)
        return self._written_fast(letter, key, date) if _is_plain(letter) else self._written(letter, key, date)

    def _started(self, *, utf8: bool) -> EmailMessage:
        message = EmailMessage(policy=_SEVEN_BIT_UTF8 if utf8 else _SEVEN_BIT)
        message["From"] = self._from
        return message

    def _written(self, letter: Letter, key: str, date: datetime) -> bytes:
        message = self._started(utf8=not letter.to.isascii())
        message["To"] = letter.to
        message["Subject"] = letter.subject
        message["Date"] = date
        message["Message-ID"] = f"<{key}@{self._domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.text)
        if letter.html is not None:
            message.add_alternative(letter.html, subtype="html")
            message.set_boundary(f"=_{key[:60]}")  # else a random one
        return message.as_bytes()

    def _written_fast(self, letter: Letter, key: str, date: datetime) -> bytes:
        """To the byte what `_written` makes of it, at a twentieth of the price: every order sends such a letter."""
        head = (
            f"{self._head}To: {letter.to}\r\nSubject: {letter.subject}\r\nDate: {format_datetime(date)}\r\n"
            f"Message-ID: <{key}@{self._domain}>\r\nAuto-Submitted: auto-generated\r\n"
            'Content-Type: text/plain; charset="utf-8"\r\nContent-Transfer-Encoding: 7bit\r\nMIME-Version: 1.0\r\n\r\n'
        )
        return (head + letter.text.replace("\n", "\r\n")).encode("ascii")


def _is_plain(letter: Letter) -> bool:
    return bool(
        letter.html is None
        and _PLAIN_ADDRESS.fullmatch(letter.to)
        and _PLAIN_SUBJECT.fullmatch(letter.subject)
        and _PLAIN_TEXT.fullmatch(letter.text)
    )
