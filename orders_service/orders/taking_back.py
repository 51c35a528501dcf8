"""An order that the warehouse has accepted is taken back, if the warehouse agrees: it may have shipped it by now."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from orders_service import audit, inventory
from orders_service.destinations import ATTEMPTS, FOR_AN_HOUR, WAREHOUSE
from orders_service.gateways import (
    Cancellation,
    FulfillmentCancellation,
    Warehouse,
    WarehouseRefused,
    WarehouseUnavailable,
)
from orders_service.orders import queries
from orders_service.orders.announcing import Happening, announce
from orders_service.orders.errors import OrderMoved
from orders_service.orders.schemas import OrderStatus
from orders_service.orders.undoing import undo_accepted
from pipelines import Ending, Pipeline, Reject, Retry, RunState, StepContext, Transaction


class TakeBack(BaseModel):
    """Which order, why, and since when. Stored with the run."""

    model_config = ConfigDict(frozen=True)

    order_id: UUID
    reason: str
    asked_at: datetime


take_back_order = Pipeline("take-back-order", TakeBack)


@take_back_order.step(
    retry=Retry(on=(WarehouseUnavailable,), attempts=ATTEMPTS, wait=FOR_AN_HOUR),
    to=WAREHOUSE,
    timeout=40,  # the gateway's own timeout comes first; this one is for what it cannot see
)
async def ask_warehouse(wish: TakeBack, warehouse: Warehouse, step: StepContext) -> None:
    """The goods decide: until the warehouse has agreed, the order stays what it is."""
    cancellation = Cancellation(order_id=wish.order_id, reason=wish.reason)
    event = FulfillmentCancellation(timestamp=wish.asked_at, data=cancellation)
    try:
        await warehouse.cancel_fulfillment(event, key=step.idempotency_key)
    except WarehouseRefused as refusal:
        raise Reject("the warehouse says that it is too late") from refusal


@take_back_order.step(retry=Retry(on=(OrderMoved, inventory.HoldMoved), attempts=8))
def cancel_accepted(wish: TakeBack, tx: Transaction, step: StepContext) -> None:
    order = queries.find(tx, wish.order_id)
    if order is None or order.status == OrderStatus.CANCELLED:  # by a run that was retried beside this one
        return
    if order.status != OrderStatus.COMPLETED:
        raise Reject(f"meanwhile it was {order.status}")
    note = audit.by_service(take_back_order.name, step.run_id, "order_cancelled", order.id)
    undo_accepted(tx, order, OrderStatus.CANCELLED, wish.reason)
    audit.record(tx, note, before={"status": order.status}, after={"status": OrderStatus.CANCELLED.value})
    announce(tx, order, Happening.CANCELLED)


@take_back_order.at_end
def let_it_stay(wish: TakeBack, ending: Ending, tx: Transaction) -> None:
    """Unless it is cancelled now, it goes on as ordered, and may be cancelled again.

    Not when the run has failed: perhaps the warehouse has heard. It stays asked back until an operator has retried, and
    nothing is promised meanwhile. Both endings below are for good, so nobody is told twice.
    """
    if ending.state not in {RunState.REJECTED, RunState.CANCELLED}:
        return
    order = queries.find(tx, wish.order_id)
    if order is None:
        return
    queries.withdraw_cancellation(tx, order.id)
    if ending.state is RunState.REJECTED and order.status in GOES_ON:
        announce(tx, order, Happening.NOT_CANCELLED, reason=ending.reason)


GOES_ON = {OrderStatus.COMPLETED, OrderStatus.SHIPPED, OrderStatus.DELIVERED}
