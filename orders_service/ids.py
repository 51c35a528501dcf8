"""Ids are UUIDv7: made by us, ordered by their time, and so their creation time is no secret."""

from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    return uuid7()


def first_id_of(moment: datetime) -> UUID:
    """No id that is made at this moment or later is lower."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)
