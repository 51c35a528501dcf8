"""Ids are UUIDv7: made by us, ordered by their time, and so their creation time is no secret."""

from datetime import datetime, timedelta
from uuid import UUID

from uuid_utils.compat import uuid7

_BITS_BELOW_THE_TIME = 80
_LATEST = 2**48 - 1
_MILLISECOND = timedelta(milliseconds=1)


def new_id() -> UUID:
    return uuid7()


def first_id_at(moment: datetime, *, shifted_by: timedelta = timedelta(0)) -> UUID:
    """Below every id that is made from then on, and above those made before: where a scan by id may begin."""
    milliseconds = int(moment.timestamp() * 1000) + shifted_by // _MILLISECOND
    return UUID(int=min(max(0, milliseconds), _LATEST) << _BITS_BELOW_THE_TIME)
