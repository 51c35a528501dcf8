"""A mail server in this event loop: a real one that keeps what it accepts, and refuses where a test tells it to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass(frozen=True)
class Accepted:
    """One mail as it arrived, the envelope apart."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes


class SmtpServer:
    """What it says after each command is an attribute; "250 OK" accepts."""

    def __init__(self) -> None:
        self.port = 0
        self.connects = 0
        self.open = 0
        self.most_open = 0
        self.after_sender = self.after_recipient = self.after_data = "250 OK"
        self.accepted: list[Accepted] = []
        self.deserted = asyncio.Event()  # nobody is connected
        self.room = asyncio.Event()  # DATA is answered when there is
        self.room.set()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self.after_sender

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return self.after_recipient

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - its name
        await self.room.wait()
        if self.after_data.startswith("2"):
            recipients, content = tuple(envelope.rcpt_tos), envelope.original_content or b""
            self.accepted.append(Accepted(envelope.mail_from or "", recipients, content))
        return self.after_data

    def conversation(self) -> SMTP:
        return _Conversation(self)


class _Conversation(SMTP):
    def __init__(self, home: SmtpServer) -> None:
        super().__init__(home, enable_SMTPUTF8=True, hostname="mail.test", loop=asyncio.get_running_loop())
        self._home = home

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._home.connects += 1
        self._home.open += 1
        self._home.most_open = max(self._home.most_open, self._home.open)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._home.open -= 1
        if not self._home.open:
            self._home.deserted.set()
        super().connection_lost(error)


@asynccontextmanager
async def smtp_server() -> AsyncIterator[SmtpServer]:
    """Listen on a free port of the loopback."""
    server = SmtpServer()
    listening = await asyncio.get_running_loop().create_server(server.conversation, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        await listening.wait_closed()
