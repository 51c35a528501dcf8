"""What was sent long ago is forgotten, and so are secrets whose time is over."""

from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

from orders_service.subscriptions import queries
from pipelines import Pipeline, Transaction, start

KEPT_FOR = timedelta(days=30)  # like the runs that have sent it
SLICE = 1000


class SentBefore(BaseModel):
    """What was begun before this moment."""

    model_config = ConfigDict(frozen=True)

    moment: datetime


forget_deliveries = Pipeline("forget-deliveries", SentBefore)


@forget_deliveries.step()
def forget(sent: SentBefore, tx: Transaction) -> None:
    """One slice; the next is another run's, so that orders go in between."""
    queries.forget_former_secrets(tx, tx.home.clock.now())
    if queries.forget_deliveries(tx, sent.moment, SLICE) == SLICE:
        start(tx, forget_deliveries, sent)


def sent_long_ago(fire_at: datetime) -> SentBefore:
    """The input of a tick."""
    return SentBefore(moment=fire_at - KEPT_FOR)
