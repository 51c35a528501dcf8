"""What happens to an order once its customer has been told that it is accepted."""

from tenacity import wait_random_exponential

from orders_service import accounts, inventory
from orders_service.destinations import ATTEMPTS, FOR_AN_HOUR, MAIL, WAREHOUSE
from orders_service.gateways import (
    Cancellation,
    Fulfillment,
    FulfillmentCancellation,
    FulfillmentItem,
    FulfillmentRequest,
    Mail,
    MailUnavailable,
    ShippingAddress,
    Warehouse,
    WarehouseUnavailable,
)
from orders_service.orders import queries
from orders_service.orders.announcing import announce_completed, end_badly
from orders_service.orders.confirmation import confirmation_of
from orders_service.orders.placed import PlacedOrder
from orders_service.orders.schemas import OrderStatus
from orders_service.orders.validation import check
from pipelines import Ending, Pipeline, Retry, RunState, StepContext, Transaction

fulfill_order = Pipeline("fulfill-order", PlacedOrder)


@fulfill_order.step()
def validate_order(order: PlacedOrder, tx: Transaction) -> None:
    check(order, inventory.prices_on_sale(tx, [item.sku for item in order.items]))


def release_stock(order: PlacedOrder, tx: Transaction) -> None:
    inventory.release(tx, order.id)  # by key: nothing held, nothing to do


@fulfill_order.step(undo=release_stock)
def reserve_stock(order: PlacedOrder, tx: Transaction) -> None:
    inventory.reserve(tx, order.id, order.items)


@fulfill_order.step(retry=Retry(on=(MailUnavailable,), attempts=ATTEMPTS, wait=FOR_AN_HOUR), timeout=40, to=MAIL)
async def send_confirmation(order: PlacedOrder, mail: Mail, step: StepContext) -> None:
    await mail.send(confirmation_of(order), key=step.idempotency_key)


async def cancel_fulfillment(order: PlacedOrder, warehouse: Warehouse, step: StepContext) -> None:
    cancellation = Cancellation(order_id=order.id, reason="the order was not completed")
    event = FulfillmentCancellation(timestamp=order.placed_at, data=cancellation)
    await warehouse.cancel_fulfillment(event, key=step.idempotency_key)


@fulfill_order.step(
    retry=Retry(on=(WarehouseUnavailable,), attempts=ATTEMPTS, wait=FOR_AN_HOUR),
    to=WAREHOUSE,
    timeout=40,  # the gateway's own timeout comes first; this one is for what it cannot see
    undo=cancel_fulfillment,
    undo_retry=Retry(on=(WarehouseUnavailable,), attempts=8, wait=wait_random_exponential(multiplier=1, max=60)),
)
async def notify_warehouse(order: PlacedOrder, warehouse: Warehouse, step: StepContext) -> None:
    await warehouse.request_fulfillment(request_of(order), key=step.idempotency_key)


@fulfill_order.at_end
def finish_order(order: PlacedOrder, ending: Ending, tx: Transaction) -> None:
    if ending.state is RunState.COMPLETED:  # once: what has completed is never retried
        queries.finish(tx, order.id, OrderStatus.COMPLETED, ending.reason)
        inventory.keep(tx, order.id)
        announce_completed(tx, order)
        accounts.note_purchase(tx, order.principal, order.total, tx.home.clock.now())
    else:
        end_badly(tx, queries.find(tx, order.id), FINAL_STATUS[ending.state], ending)


@fulfill_order.at_retry
def reopen_order(order: PlacedOrder, tx: Transaction) -> None:
    queries.reopen(tx, order.id)
    inventory.prolong(tx, order.id)  # what a quarantined one still holds may have expired long ago


FINAL_STATUS = {
    RunState.COMPLETED: OrderStatus.COMPLETED,
    RunState.REJECTED: OrderStatus.REJECTED,
    RunState.FAILED: OrderStatus.FAILED,
    RunState.QUARANTINED: OrderStatus.FAILED,
    RunState.CANCELLED: OrderStatus.CANCELLED,
}


def request_of(order: PlacedOrder) -> FulfillmentRequest:
    """Made of the order alone, so that all attempts send equal bytes."""
    return FulfillmentRequest(
        timestamp=order.placed_at,
        data=Fulfillment(
            order_id=order.id,
            items=tuple(FulfillmentItem(sku=item.sku, quantity=item.quantity) for item in order.items),
            shipping_address=ShippingAddress(**order.shipping_address.model_dump()),
        ),
    )
