"""Values of closed lists, as the database has them: a newer release, which works beside this one, may know more."""

from enum import StrEnum
from typing import TypeVar

E = TypeVar("E", bound=StrEnum)


def as_stored(kind: type[E], value: str) -> E:
    """The member of this value; of a value that is unknown here one that equals no other, to be shown as it is.

    A stranger in the list would otherwise be a 500 wherever its row is listed, for as long as a rollout takes.
    """
    try:
        return kind(value)
    except ValueError:
        stranger = str.__new__(kind, value)
        stranger._name_ = stranger._value_ = value
        return stranger
