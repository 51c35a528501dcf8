"""An event of the warehouse is applied to its order, in the order in which the events came."""

from datetime import datetime, timedelta
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from orders_service import audit, inventory, orders
from pipelines import Pipeline, Retry, StepContext, Throttled, Transaction

_LONGEST_WAIT = 8  # as a power of two: four minutes
_OUR_RUN_TAKES_AT_MOST = timedelta(days=30)  # or is in quarantine until somebody looks at it


class StoredEvent(BaseModel):
    """An event as it waits to be applied. Stored with the run: a new field needs a default."""

    model_config = ConfigDict(frozen=True)

    type: str
    order_id: UUID
    occurred_at: datetime
    tracking: dict[str, str] | None = None
    reason: str | None = None
    request_id: str | None = None
    ip: str | None = None


class Applied(BaseModel):
    """What became of it: the status of the order, and whether the event has moved it there."""

    model_config = ConfigDict(frozen=True)

    status: str
    moved: bool


apply_event = Pipeline("apply-fulfillment-event", StoredEvent, result=Applied)


@apply_event.step(retry=Retry(on=(orders.OrderMoved, inventory.HoldMoved), attempts=8, patience=_OUR_RUN_TAKES_AT_MOST))
def apply_to_order(event: StoredEvent, tx: Transaction, step: StepContext) -> Applied:
    """Wait for our own run if the warehouse was quicker; move the order if it can still move; write down either."""
    try:
        heard = orders.hear(tx, _news_of(event))
    except orders.StillOpen:
        raise Throttled(retry_after=timedelta(seconds=2 ** min(step.attempt - 1, _LONGEST_WAIT))) from None
    audit.record(
        tx,
        _note_of(event),
        before={"status": heard.before},
        after={"status": heard.after, "occurred_at": event.occurred_at.isoformat()},
        outcome="done" if heard.moved else "ignored",
    )
    return Applied(status=heard.after, moved=heard.moved)


def _news_of(event: StoredEvent) -> orders.WarehouseNews:
    return orders.WarehouseNews(
        order_id=event.order_id,
        word=orders.WarehouseWord(event.type.removeprefix("order.")),
        at=event.occurred_at,
        tracking=event.tracking,
        reason=event.reason,
    )


def _note_of(event: StoredEvent) -> audit.Note:
    return audit.Note(
        actor="warehouse",
        actor_type="warehouse",
        action=event.type.replace(".", "_"),
        subject_type="order",
        subject_id=str(event.order_id),
        request_id=event.request_id,
        ip=event.ip,
    )
