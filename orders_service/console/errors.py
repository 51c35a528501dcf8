"""What stands between a visitor and a page.

ConsoleError
├── SignInFirst    nobody has signed in, or no more
└── ForgedForm     it came from no form of ours
"""


class ConsoleError(Exception):
    """The base of what the console says no with."""


class SignInFirst(ConsoleError):
    """There is no live session behind the cookie."""


class ForgedForm(ConsoleError):
    """The token is missing or another session's, or a page of somebody else's sent it."""
