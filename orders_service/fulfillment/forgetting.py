"""Received events are remembered for longer than any warehouse repeats them, and then forgotten."""

from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

from orders_service.fulfillment import queries
from pipelines import Pipeline, Transaction, start

KEPT_FOR = timedelta(days=14)  # at least seven are promised
MOST_AT_ONCE = 500


class ReceivedBefore(BaseModel):
    """What was received before then is forgotten."""

    model_config = ConfigDict(frozen=True)

    moment: datetime


forget_events = Pipeline("forget-fulfillment-events", ReceivedBefore)


@forget_events.step()
def forget(old: ReceivedBefore, tx: Transaction) -> None:
    """A slice; a full one is followed by another run, so that orders of others are not kept waiting."""
    if queries.forget(tx, old.moment, MOST_AT_ONCE) == MOST_AT_ONCE:
        start(tx, forget_events, old)


def forgotten_before(fire_at: datetime) -> ReceivedBefore:
    """The input of a tick."""
    return ReceivedBefore(moment=fire_at - KEPT_FOR)
