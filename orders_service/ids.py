"""Ids are UUIDv7: made by us, ordered by their time, and so their creation time is no secret."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from uuid_utils.compat import uuid7

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BELOW_THE_TIME = 80  # bits of a UUIDv7


def new_id() -> UUID:
    return uuid7()


def first_id_at(moment: datetime) -> UUID:
    """Every id that was made before the moment is smaller, and none that was made later; to the millisecond."""
    return UUID(int=(moment - _EPOCH) // timedelta(milliseconds=1) << _BELOW_THE_TIME)
