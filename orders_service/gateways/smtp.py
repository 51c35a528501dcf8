"""Sends letters through a mail server, over a few connections that are used again and again."""

import asyncio
import socket
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

import aiosmtplib

from orders_service.gateways.errors import MailRefused, MailUnavailable
from orders_service.gateways.mail import Letter, Letterhead

_FIRST_FINAL_CODE = 500
_START_TLS = {"required": True, "never": False}


@dataclass(frozen=True, slots=True, repr=False)
class Relay:
    """A mail server and how to talk to it, read from `smtp[s]://user:password@host:port[?starttls=required|never]`.

    Without `starttls`, TLS is used when it is offered, and required when there is a password to protect.
    """

    host: str
    port: int | None
    user: str | None
    password: str | None
    tls: bool
    start_tls: bool | None

    @classmethod
    def of(cls, url: str) -> "Relay":
        try:
            parts = urlsplit(url)
            port, options = parts.port, dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
        except ValueError:
            raise ValueError("The mail server's URL cannot be read.") from None  # the parser's message shows all of it
        if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
            raise ValueError("The mail server's URL is smtp://host or smtps://host.")
        tls = parts.scheme == "smtps"
        return cls(
            host=parts.hostname,
            port=port,
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            tls=tls,
            start_tls=_start_tls(options, tls=tls, has_user=bool(parts.username)),
        )

    def __str__(self) -> str:
        return f"{'smtps' if self.tls else 'smtp'}://{self.host}"


class SmtpMail:
    """Raises `MailRefused` for a letter the server will never take, and `MailUnavailable` for all other trouble.

    What the server refuses before it has seen a letter (its greeting, TLS, the password) is no letter's fault.
    """

    def __init__(self, url: str, sender: str, *, connections: int = 4, timeout_seconds: float = 10.0) -> None:
        self._relay = Relay.of(url)
        self._letterhead = Letterhead(sender)
        self._timeout_seconds = timeout_seconds
        self._free = asyncio.Semaphore(connections)
        self._idle: list[aiosmtplib.SMTP] = []

    async def send(self, letter: Letter, *, key: str) -> None:
        mail = self._letterhead.write(letter, key)
        async with self._free:
            client = await self._connected()
            try:
                await self._hand_over(client, letter.to, mail)
            except BaseException:
                client.close()  # who knows in what state it is
                raise
            self._idle.append(client)

    async def close(self) -> None:
        """Take leave of the server; letters that are being sent are not waited for."""
        while self._idle:
            self._idle.pop().close()

    async def _connected(self) -> aiosmtplib.SMTP:
        while self._idle:
            client = self._idle.pop()
            if client.is_connected:
                return client
        client = self._client()
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await client.connect()
        except aiosmtplib.SMTPResponseException as error:
            raise MailUnavailable(f"{self._relay} answered {error.code}", code=error.code) from None
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise MailUnavailable(f"{self._relay}: {type(error).__name__}") from None
        return client

    def _client(self) -> aiosmtplib.SMTP:
        return aiosmtplib.SMTP(
            hostname=self._relay.host,
            port=self._relay.port,
            username=self._relay.user,
            password=self._relay.password,
            use_tls=self._relay.tls,
            start_tls=self._relay.start_tls,
            timeout=self._timeout_seconds,
            local_hostname=socket.gethostname() or "localhost",  # the default asks the DNS
        )

    async def _hand_over(self, client: aiosmtplib.SMTP, to: str, mail: bytes) -> None:
        options = [] if to.isascii() else ["SMTPUTF8", "BODY=8BITMIME"]
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await client.sendmail(self._letterhead.address, [to], mail, mail_options=options)
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise self._judged(error.recipients[0].code) from None
        except aiosmtplib.SMTPResponseException as error:
            raise self._judged(error.code) from None
        except aiosmtplib.SMTPNotSupported:
            raise MailRefused(f"{self._relay} takes no addresses beyond ASCII") from None
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise MailUnavailable(f"{self._relay}: {type(error).__name__}") from None

    def _judged(self, code: int) -> MailRefused | MailUnavailable:
        said = f"{self._relay} answered {code}"  # not its text, which quotes addresses
        return MailRefused(said, code=code) if code >= _FIRST_FINAL_CODE else MailUnavailable(said, code=code)


def _start_tls(options: dict[str, str], *, tls: bool, has_user: bool) -> bool | None:
    """What aiosmtplib wants to hear: required, never, or None for "when offered"."""
    wish = options.pop("starttls", None)
    if options or wish not in {None, *_START_TLS} or (tls and wish):
        raise ValueError("The mail server's URL knows ?starttls=required and ?starttls=never, and smtps:// neither.")
    if tls:
        return False
    return _START_TLS[wish] if wish else (True if has_user else None)
