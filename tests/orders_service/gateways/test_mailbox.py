"""The development mailbox."""

from datetime import UTC, datetime
from email import message_from_bytes
from pathlib import Path

import pytest

from orders_service.gateways import KeptMail, Letter, Mailbox

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def a_letter(*, to: str = "ann@example.com", subject: str = "Your order") -> Letter:
    return Letter(to=to, subject=subject, text="Thank you.\n", written_at=NOON)


async def test_a_letter_becomes_a_file(tmp_path: Path) -> None:
    await Mailbox(tmp_path / "mail").send(a_letter(), key="k-1")
    assert [path.name for path in (tmp_path / "mail").iterdir()] == ["k-1.eml"]


async def test_the_file_is_a_mail(tmp_path: Path) -> None:
    await Mailbox(tmp_path).send(a_letter(), key="k-1")
    assert message_from_bytes((tmp_path / "k-1.eml").read_bytes())["Message-ID"] == "<k-1@localhost>"


async def test_the_same_key_is_the_same_mail(tmp_path: Path) -> None:
    mailbox = Mailbox(tmp_path)
    await mailbox.send(a_letter(), key="k-1")
    await mailbox.send(a_letter(), key="k-1")
    assert [mail.id for mail in mailbox.newest()] == ["k-1"]


async def test_it_lists_what_it_holds_the_newest_first(tmp_path: Path) -> None:
    mailbox = Mailbox(tmp_path)
    for number in range(3):
        await mailbox.send(a_letter(subject=f"Bestätigung {number}"), key=f"k-{number}")
    assert mailbox.newest(limit=2) == [
        KeptMail("k-2", "ann@example.com", "Bestätigung 2", "Sat, 21 Nov 2026 12:00:00 +0000"),
        KeptMail("k-1", "ann@example.com", "Bestätigung 1", "Sat, 21 Nov 2026 12:00:00 +0000"),
    ]


async def test_it_finds_what_an_earlier_process_left(tmp_path: Path) -> None:
    await Mailbox(tmp_path).send(a_letter(), key="k-1")
    assert [mail.id for mail in Mailbox(tmp_path).newest()] == ["k-1"]


async def test_it_gives_a_mail_back(tmp_path: Path) -> None:
    mailbox = Mailbox(tmp_path)
    await mailbox.send(a_letter(), key="k-1")
    assert (mailbox.read("k-1") or b"").endswith(b"Thank you.\r\n")


@pytest.mark.parametrize("key", ["k-2", "", "../secret", "..", "a/../k-1", "k-1\x00", "k-1\n"])
async def test_it_gives_back_nothing_else(tmp_path: Path, key: str) -> None:
    (tmp_path / "secret.eml").write_text("secret")
    mailbox = Mailbox(tmp_path / "mail")
    await mailbox.send(a_letter(), key="k-1")
    assert mailbox.read(key) is None


async def test_half_a_mail_is_never_seen(tmp_path: Path) -> None:
    (tmp_path / ".k-1.4711").write_bytes(b"From: Ord")
    assert Mailbox(tmp_path).newest() == []
