"""AccountsError
├── UnknownUser      no account has this id, or it is somebody else's
├── UserHasChanged   it is no longer what the client has seen
└── WrongPassword    whoever wants to change it has to know it
"""  # noqa: D205, D400 - the tree is the text


class AccountsError(Exception):
    """The base of this slice's errors."""


class UnknownUser(AccountsError):
    """The same for a missing account and for one that the asker may not see."""


class UserHasChanged(AccountsError):
    """What `If-Match` names is an older version."""


class WrongPassword(AccountsError):
    """The credential is good, and the password that came with it is not."""
