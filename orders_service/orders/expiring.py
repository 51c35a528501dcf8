"""An order for which stock was held too long is cancelled, so that others may have it."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from orders_service import inventory
from orders_service.orders import queries
from orders_service.orders.schemas import OrderStatus
from pipelines import Pipeline, Retry, StateConflict, Transaction, UnknownRun, cancel, start

REASON = "the reservation has expired"
MOST_AT_ONCE = 100


class ExpiredBy(BaseModel):
    """What has expired by then."""

    model_config = ConfigDict(frozen=True)

    moment: datetime


expire_reservations = Pipeline("expire-reservations", ExpiredBy)


@expire_reservations.step(retry=Retry(on=(StateConflict, inventory.HoldMoved), attempts=8))
def expire(expired: ExpiredBy, tx: Transaction) -> None:
    """A slice of them; if there is more, another run takes the next. A run that moves meanwhile has it done again."""
    order_ids = inventory.expired_holds(tx, expired.moment, most=MOST_AT_ONCE)
    orders = queries.places_of(tx, order_ids)
    for order_id in order_ids:
        status, run_id = orders.get(order_id, (None, None))
        _expire(tx, order_id, status, run_id)
    if len(order_ids) == MOST_AT_ONCE:
        start(tx, expire_reservations, expired)


def expired_by(fire_at: datetime) -> ExpiredBy:
    """The input of a tick."""
    return ExpiredBy(moment=fire_at)


def _expire(tx: Transaction, order_id: UUID, status: str | None, run_id: UUID | None) -> None:
    """Each leaves the expired here, whatever happens to it: none stands in the way of those that come after it."""
    match status:
        case OrderStatus.PENDING if run_id is not None:
            _cancel_unless_ended(tx, run_id)
            inventory.prolong(tx, order_id)  # undoing gives it back
        case OrderStatus.FAILED:
            # A dead letter that still holds something: its undoing was given up, or it is in quarantine. Whoever
            # retries it counts on what it holds, and the warehouse may have it: an operator decides, so it stays held.
            inventory.prolong(tx, order_id)
        case None | OrderStatus.CANCELLED | OrderStatus.REJECTED:
            inventory.release(tx, order_id)  # nobody else will: it has been undone, or there never was an order
        case _:
            inventory.keep(tx, order_id)  # completed by a release that did not know that holds expire


def _cancel_unless_ended(tx: Transaction, run_id: UUID) -> None:
    try:
        cancel(tx, run_id, reason=REASON)
    except (StateConflict, UnknownRun):
        return  # it is being undone already, or somebody has written to the journal by hand
