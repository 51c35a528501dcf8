"""An order that the warehouse had accepted is undone: it will not be shipped after all."""

from orders_service import accounts, inventory
from orders_service.money import Money
from orders_service.orders import queries
from orders_service.orders.schemas import OrderStatus
from orders_service.orders.tables import Order
from pipelines import Transaction


def undo_accepted(tx: Transaction, order: Order, to: OrderStatus, reason: str) -> None:
    """Give back what was held for it, and count it as sold no longer. Raises `OrderMoved` if it left in between."""
    inventory.release(tx, order.id)
    accounts.take_back_purchase(tx, order.principal, Money(amount=order.total_amount, currency=order.total_currency))
    queries.undo_accepted(tx, order.id, to, reason, tx.home.clock.now())
