"""The letters that accounts get. Whoever signs up may name any address: nothing that was typed can advertise in one."""

import re
from datetime import datetime

from orders_service.gateways import Letter
from pipelines import Destination

MAIL = Destination("mail", concurrency=80)

_MOST_WORDS = 5
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*\.?")
_WELCOME = """Hello{name},

your account is open. You sign in with this address.

If it was not you who opened it, you need not do anything.
"""
_REMINDER = """Hello,

somebody, perhaps you, wanted to open an account with this address. You have one already: sign in as before.

If it was not you, you need not do anything: nobody has learned that there is an account.
"""


def salutation_of(name: str) -> str | None:
    """The name as a letter may say it; nothing when it does not look like one, as an address on the web does not."""
    words = name.split()
    if not 1 <= len(words) <= _MOST_WORDS:
        return None
    is_name = all(_WORD.fullmatch(word) for word in words)
    return " ".join(words) if is_name else None


def welcome_to(address: str, salutation: str | None, at: datetime) -> Letter:
    text = _WELCOME.format(name=f" {salutation}" if salutation else "")
    return Letter(to=address, subject="Welcome", text=text, written_at=at)


def reminder_to(address: str, at: datetime) -> Letter:
    return Letter(to=address, subject="You already have an account", text=_REMINDER, written_at=at)
