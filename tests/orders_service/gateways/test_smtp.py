"""Mail over SMTP: what arrives, and what each kind of trouble means (F18)."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email import message_from_bytes

import pytest

from orders_service.gateways import Letter, MailRefused, MailUnavailable, SmtpMail
from orders_service.gateways.smtp import Relay
from tests.harness.raw_server import Talk, nothing, raw_server, reset, silence
from tests.harness.smtp_server import SmtpServer, smtp_server

SENDER = "Orders <orders@example.com>"


@pytest.fixture
async def server() -> AsyncIterator[SmtpServer]:
    async with smtp_server() as running:
        yield running


@asynccontextmanager
async def mail_over(url: str, *, connections: int = 4, timeout_seconds: float = 5.0) -> AsyncIterator[SmtpMail]:
    mail = SmtpMail(url, SENDER, connections=connections, timeout_seconds=timeout_seconds)
    try:
        yield mail
    finally:
        await mail.close()


def a_letter(*, to: str = "ann@example.com", text: str = "Thank you.\n") -> Letter:
    return Letter(to=to, subject="Your order", text=text, written_at=datetime(2026, 11, 21, tzinfo=UTC))


async def test_a_letter_arrives(server: SmtpServer) -> None:
    async with mail_over(server.url) as mail:
        await mail.send(a_letter(), key="k-1")
    arrived = server.accepted[0]
    assert (arrived.sender, arrived.recipients) == ("orders@example.com", ("ann@example.com",))
    assert message_from_bytes(arrived.content)["Message-ID"] == "<k-1@example.com>"


async def test_a_letter_sent_again_is_the_same_mail(server: SmtpServer) -> None:
    async with mail_over(server.url) as mail:
        await mail.send(a_letter(), key="k-1")
        await mail.send(a_letter(), key="k-1")
    assert server.accepted[0] == server.accepted[1]


async def test_a_text_that_looks_like_the_protocol_arrives_unharmed(server: SmtpServer) -> None:
    async with mail_over(server.url) as mail:
        await mail.send(a_letter(text="one\n.\nRCPT TO:<eve@example.com>\n"), key="k")
    assert server.accepted[0].content.endswith(b"one\r\n.\r\nRCPT TO:<eve@example.com>\r\n")
    assert server.accepted[0].recipients == ("ann@example.com",)


async def test_an_address_beyond_ascii_is_served_by_a_server_that_can(server: SmtpServer) -> None:
    async with mail_over(server.url) as mail:
        await mail.send(a_letter(to="jürgen@example.com"), key="k")
    assert server.accepted[0].recipients == ("jürgen@example.com",)


async def test_connections_are_used_again(server: SmtpServer) -> None:
    async with mail_over(server.url) as mail:
        for key in ("a", "b", "c"):
            await mail.send(a_letter(), key=key)
    assert (server.connects, len(server.accepted)) == (1, 3)


async def test_there_are_never_more_connections_than_allowed(server: SmtpServer) -> None:
    async with mail_over(server.url, connections=3) as mail:
        await asyncio.gather(*(mail.send(a_letter(), key=f"k-{number}") for number in range(20)))
    assert (server.most_open, len(server.accepted)) == (3, 20)


async def test_after_trouble_a_new_connection_serves(server: SmtpServer) -> None:
    async with mail_over(server.url) as mail:
        server.after_data = "421 closing"
        with pytest.raises(MailUnavailable):
            await mail.send(a_letter(), key="k")
        server.after_data = "250 OK"
        await mail.send(a_letter(), key="k")
    assert len(server.accepted) == 1


async def test_after_trouble_the_connection_is_closed(server: SmtpServer) -> None:
    server.after_data = "550 never"
    async with mail_over(server.url) as mail:
        with pytest.raises(MailRefused):
            await mail.send(a_letter(), key="k")
        await asyncio.wait_for(server.deserted.wait(), 5)


async def test_a_letter_that_is_cancelled_gives_its_place_back(server: SmtpServer) -> None:
    async with mail_over(server.url, connections=1) as mail:
        server.room.clear()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(mail.send(a_letter(), key="k-1"), 0.2)
        server.room.set()
        await mail.send(a_letter(), key="k-2")
    assert b"<k-2@example.com>" in server.accepted[-1].content


@pytest.mark.parametrize("command", ["after_sender", "after_recipient", "after_data"])
@pytest.mark.parametrize("code", [421, 450, 451, 452])
async def test_a_passing_refusal_is_unavailable(server: SmtpServer, command: str, code: int) -> None:
    setattr(server, command, f"{code} not now")
    async with mail_over(server.url) as mail:
        with pytest.raises(MailUnavailable) as failure:
            await mail.send(a_letter(), key="k")
    assert failure.value.code == code


@pytest.mark.parametrize("command", ["after_sender", "after_recipient", "after_data"])
@pytest.mark.parametrize("code", [550, 552, 554])
async def test_a_final_refusal_is_final(server: SmtpServer, command: str, code: int) -> None:
    setattr(server, command, f"{code} never")
    async with mail_over(server.url) as mail:
        with pytest.raises(MailRefused) as failure:
            await mail.send(a_letter(), key="k")
    assert failure.value.code == code


@pytest.mark.parametrize("answer", ["550 no ann@example.com here", "451 ann@example.com is greylisted"])
async def test_an_error_shows_server_and_code_only(server: SmtpServer, answer: str) -> None:
    server.after_recipient = answer
    async with mail_over(server.url) as mail:
        with pytest.raises((MailRefused, MailUnavailable)) as failure:
            await mail.send(a_letter(), key="k")
    assert str(failure.value) == f"smtp://127.0.0.1 answered {answer[:3]}"


async def slow_banner(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"220-wait\r\n")
        await writer.drain()
        await asyncio.sleep(0.02)


async def lose_the_reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take the whole mail, then die."""
    for answer in (b"220 hi\r\n", b"250 hello\r\n", b"250 OK\r\n", b"250 OK\r\n", b"354 go on\r\n"):
        writer.write(answer)
        await reader.readline()
    await reader.readuntil(b"\r\n.\r\n")
    reset(writer)


async def no_service(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"554 no service for you\r\n")
    await reader.readline()


async def test_a_server_that_will_not_talk_to_us_is_no_fault_of_the_letter() -> None:
    async with raw_server(no_service) as server, mail_over(f"smtp://127.0.0.1:{server.port}") as mail:
        with pytest.raises(MailUnavailable) as failure:
            await mail.send(a_letter(), key="k")
    assert failure.value.code == 554


@pytest.mark.parametrize(
    "talk",
    [silence, slow_banner, nothing, lose_the_reply],
    ids=["hangs", "slow banner", "closes", "reply lost"],
)
async def test_a_server_in_trouble_is_unavailable(talk: Talk) -> None:
    async with (
        raw_server(talk) as server,
        mail_over(f"smtp://127.0.0.1:{server.port}", timeout_seconds=0.3) as mail,
    ):
        with pytest.raises(MailUnavailable):
            await mail.send(a_letter(), key="k")


async def test_a_server_that_is_down_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    async with mail_over(f"smtp://127.0.0.1:{port}") as mail:
        with pytest.raises(MailUnavailable):
            await mail.send(a_letter(), key="k")


async def test_where_tls_is_required_nothing_is_sent_without_it(server: SmtpServer) -> None:
    async with mail_over(f"{server.url}?starttls=required") as mail:
        with pytest.raises(MailUnavailable):
            await mail.send(a_letter(), key="k")
    assert not server.accepted


async def test_a_password_is_never_sent_in_the_clear() -> None:
    heard: list[bytes] = []

    async def offer_login_without_tls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hi\r\n")
        while line := await reader.readline():
            heard.append(line)
            writer.write(b"250-hello\r\n250 AUTH PLAIN LOGIN\r\n")

    async with (
        raw_server(offer_login_without_tls) as server,
        mail_over(f"smtp://user:secret@127.0.0.1:{server.port}") as mail,
    ):
        with pytest.raises(MailUnavailable):
            await mail.send(a_letter(), key="k")
    assert heard
    assert not any(line.startswith(b"AUTH") for line in heard)


@pytest.mark.parametrize(
    ("url", "tls", "start_tls"),
    [
        ("smtp://mail.test", False, None),
        ("smtp://mail.test?starttls=required", False, True),
        ("smtp://mail.test?starttls=never", False, False),
        ("smtp://user:pass@mail.test", False, True),
        ("smtp://user:pass@mail.test?starttls=never", False, False),
        ("smtps://user:pass@mail.test:465", True, False),
    ],
)
def test_the_url_says_how_to_encrypt(url: str, *, tls: bool, start_tls: bool | None) -> None:
    assert (Relay.of(url).tls, Relay.of(url).start_tls) == (tls, start_tls)


def test_user_and_password_may_hold_any_character() -> None:
    relay = Relay.of("smtp://us%40er:p%2Fss@mail.test:2525")
    assert (relay.user, relay.password, relay.host, relay.port) == ("us@er", "p/ss", "mail.test", 2525)


@pytest.mark.parametrize(
    "url",
    [
        *("", "mail.test", "http://canary.test", "smtp://", "smtp://u:canary@mail.test:port", "smtp://u:canary@[mail"),
        *("smtp://u:canary@mail.test?starttls=maybe", "smtp://u:canary@mail.test?tls=1"),
        "smtps://u:canary@mail.test?starttls=required",
    ],
)
def test_a_url_that_cannot_be_meant_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(ValueError, match="mail server's URL") as refusal:
        Relay.of(url)
    assert "canary" not in str(refusal.value)


def test_a_relay_does_not_show_its_password() -> None:
    relay = Relay.of("smtp://user:canary@mail.test")
    assert "canary" not in f"{relay} {relay!r}"
