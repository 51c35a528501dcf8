"""Letters: what may be in one, and what it looks like on its way."""

from datetime import UTC, datetime, timedelta, timezone
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orders_service.gateways import Letter, MailRefused
from orders_service.gateways.mail import Letterhead, _is_plain

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
LETTERHEAD = Letterhead("Orders <orders@example.com>")


def a_letter(
    *, to: str = "ann@example.com", subject: str = "Your order", text: str = "Thank you.\n", html: str | None = None
) -> Letter:
    return Letter(to=to, subject=subject, text=text, html=html, written_at=NOON)


def parsed(mail: bytes) -> EmailMessage:
    message = message_from_bytes(mail, policy=default)
    assert isinstance(message, EmailMessage)
    return message


@pytest.mark.parametrize("end", ["\r\nBcc: eve@example.com", "\n", "\r", "\x00", "\x0b", "\x85", "\u2028", "\ud800"])
def test_nothing_in_a_subject_can_become_a_header(end: str) -> None:
    with pytest.raises(MailRefused, match="subject"):
        a_letter(subject=f"Your order{end}")


@pytest.mark.parametrize(
    "to",
    [
        *("", "ann", "@example.com", "ann@", "ann@example.com\r\nBcc: eve@example.com", "ann@example.com\x00"),
        *("ann@example.com,eve@example.com", "ann@example.com eve@example.com", "Ann <ann@example.com>"),
        *("<ann@example.com>", "ann@example.com> SIZE=1", '"a b"@example.com', "a@b@example.com", "\ud800@example.com"),
        "a" * 65 + "@example.com",
    ],
)
def test_a_letter_goes_to_exactly_one_address(to: str) -> None:
    with pytest.raises(MailRefused, match="to"):
        a_letter(to=to)


@pytest.mark.parametrize("text", ["a\x00b", "\ud800"])
def test_a_text_that_no_mail_can_carry_is_refused(text: str) -> None:
    with pytest.raises(MailRefused, match="NUL"):
        a_letter(text=text)


@pytest.mark.parametrize("letter", [a_letter(subject="Grüße", text="für Sie"), a_letter(html="<p>für Sie</p>")])
def test_a_letter_travels_in_ascii(letter: Letter) -> None:
    assert LETTERHEAD.write(letter, "k").isascii()


@pytest.mark.parametrize("sender", ["", "orders", "Orders", "Orders <orders>", "örders@example.com"])
def test_a_sender_must_have_an_address(sender: str) -> None:
    with pytest.raises(ValueError, match="sender"):
        Letterhead(sender)


@pytest.mark.parametrize("key", ["", "a.b", "../x", "a@b", "a\nb", "a" * 129])
def test_a_key_must_fit_into_a_message_id_and_a_file_name(key: str) -> None:
    with pytest.raises(ValueError, match="key"):
        LETTERHEAD.write(a_letter(), key)


def test_the_headers_of_a_letter() -> None:
    headers = dict(parsed(LETTERHEAD.write(a_letter(), "k-1")))
    assert headers == {
        "From": "Orders <orders@example.com>",
        "To": "ann@example.com",
        "Subject": "Your order",
        "Date": "Sat, 21 Nov 2026 12:00:00 +0000",
        "Message-ID": "<k-1@example.com>",
        "Auto-Submitted": "auto-generated",
        "Content-Type": 'text/plain; charset="utf-8"',
        "Content-Transfer-Encoding": "7bit",
        "MIME-Version": "1.0",
    }


def test_a_letter_in_html_holds_the_text_as_well() -> None:
    message = parsed(LETTERHEAD.write(a_letter(text="Thank you.\n", html="<p>Thank you.</p>\n"), "k"))
    assert [part.get_content().strip() for part in message.iter_parts()] == ["Thank you.", "<p>Thank you.</p>"]


@pytest.mark.parametrize(
    "letter", [a_letter(), a_letter(subject="Grüße", text="ü" * 2000), a_letter(html="<p>Thank you.</p>")]
)
def test_all_attempts_write_equal_bytes(letter: Letter) -> None:
    assert LETTERHEAD.write(letter, "k") == LETTERHEAD.write(letter, "k")


def test_a_letter_is_dated_in_utc() -> None:
    there = timezone(timedelta(hours=5))
    letter = Letter("ann@example.com", "Your order", "Thank you.\n", written_at=NOON.astimezone(there))
    assert parsed(LETTERHEAD.write(letter, "k"))["Date"] == "Sat, 21 Nov 2026 12:00:00 +0000"


def test_a_letter_without_a_date_gets_one() -> None:
    letter = Letter("ann@example.com", "Your order", "Thank you.\n")
    assert parsed(LETTERHEAD.write(letter, "k"))["Date"].datetime <= datetime.now(UTC)


def test_the_sender_may_have_a_name_beyond_ascii() -> None:
    message = parsed(Letterhead("Bestellungen für Alle <orders@example.com>").write(a_letter(), "k"))
    assert message["From"].addresses[0].display_name == "Bestellungen für Alle"


local_parts = st.text("abcXYZ019.+_-", min_size=1, max_size=30)
subjects = st.text("abcXYZ019 .,:#()/'!-=?_", min_size=1, max_size=62)
plain_texts = st.lists(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=90)).map("\n".join)


@given(local=local_parts, subject=subjects, text=plain_texts, key=st.text("0123456789abcdef-", min_size=1, max_size=36))
@example(local="ann", subject="Your order", text="a" * 79, key="k")
@example(local="ann", subject="a" * 62, text="a" * 76, key="k" * 36)
def test_the_fast_way_writes_what_the_standard_library_writes(local: str, subject: str, text: str, key: str) -> None:
    letter = a_letter(to=f"{local}@example.com", subject=subject, text=text + "\n")
    assert LETTERHEAD.write(letter, key) == LETTERHEAD._written(letter, key, NOON)


def test_an_ordinary_confirmation_is_written_the_fast_way() -> None:
    letter = a_letter(
        subject="Your order 01930000-0000-7000-8000-000000000001 is confirmed",
        text="Thank you.\n\n2 x lamp: 39.98 EUR\n",
    )
    assert _is_plain(letter)


@given(subject=st.text(max_size=100), text=st.text(max_size=200))
def test_what_a_customer_typed_stays_where_it_belongs(subject: str, text: str) -> None:
    try:
        letter = a_letter(subject=subject, text=text)
    except MailRefused:
        return
    message = parsed(LETTERHEAD.write(letter, "k"))
    assert message.keys() == parsed(LETTERHEAD.write(a_letter(), "k")).keys()
    assert message["To"] == "ann@example.com"
    assert str(message["Subject"]).split() == subject.split()
