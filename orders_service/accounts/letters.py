"""The letters that accounts get. Whoever signs up may name any address: nothing that was typed can advertise in one."""

import unicodedata
from datetime import datetime

from orders_service.gateways import Letter, Template

_MOST_WORDS = 5
_IN_NAMES = "'\u2019-"
_WELCOME = """Hello{name},

your account is open. You sign in with this address.

If it was not you who opened it, you need not do anything.
"""
_REMINDER = """Hello,

somebody, perhaps you, wanted to open an account with this address. You have one already: sign in as before.

If it was not you, you need not do anything: nothing of your account has changed.
"""


def salutation_of(name: str) -> str | None:
    """The name as a letter may say it; nothing when it does not look like one, as an address on the web does not."""
    words = name.split()
    return " ".join(words) if len(words) <= _MOST_WORDS and all(map(_is_name, words)) else None


def _is_name(word: str) -> bool:
    """Whether it is made of letters, of any script, with the marks that some need, as in O'Neill, Jean-Luc and L."""
    return all(unicodedata.category(each)[0] in "LM" or each in _IN_NAMES for each in word.removesuffix("."))


def welcome_to(address: str, salutation: str | None, at: datetime) -> Letter:
    text = _WELCOME.format(name=f" {salutation}" if salutation else "")
    return Letter(to=address, subject="Welcome", text=text, written_at=at, template=Template.ACCOUNT_WELCOME)


def reminder_to(address: str, at: datetime) -> Letter:
    subject = "You already have an account"
    return Letter(to=address, subject=subject, text=_REMINDER, written_at=at, template=Template.ACCOUNT_REMINDER)
