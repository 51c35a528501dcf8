"""What has had its time is forgotten: in slices, each a COMMIT of its own, so that no order has to wait for long."""

from collections.abc import Callable
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from orders_service import auth, idempotency
from pipelines import Pipeline, Transaction, start

SLICE = 500


class EndedBefore(BaseModel):
    """What has ended before then, and how much of it earlier runs of this cleaning have removed."""

    model_config = ConfigDict(frozen=True)

    moment: datetime
    removed: int = 0


class Removed(BaseModel):
    """How many this run and those before it have removed, and whether another one goes on."""

    model_config = ConfigDict(frozen=True)

    removed: int
    goes_on: bool


cleanup_sessions = Pipeline("cleanup-sessions", EndedBefore, result=Removed)
expire_idempotency_keys = Pipeline("expire-idempotency-keys", EndedBefore, result=Removed)


@cleanup_sessions.step()
def remove_sessions(ended: EndedBefore, tx: Transaction) -> Removed:
    return _slice_of(cleanup_sessions, ended, tx, auth.remove_ended_sessions)


@expire_idempotency_keys.step()
def remove_keys(ended: EndedBefore, tx: Transaction) -> Removed:
    return _slice_of(expire_idempotency_keys, ended, tx, idempotency.remove_expired)


def _slice_of(
    pipeline: Pipeline[EndedBefore], ended: EndedBefore, tx: Transaction, remove: Callable[..., int]
) -> Removed:
    """A full slice is followed by another run, which stands behind whatever else is due by then."""
    count = remove(tx, before=ended.moment, most=SLICE)
    goes_on = count == SLICE
    removed = ended.removed + count
    if goes_on:
        start(tx, pipeline, EndedBefore(moment=ended.moment, removed=removed))
    return Removed(removed=removed, goes_on=goes_on)


def ended_before(fire_at: datetime) -> EndedBefore:
    """The input of a tick."""
    return EndedBefore(moment=fire_at)
