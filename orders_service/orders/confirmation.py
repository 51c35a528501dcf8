"""The mail that tells a customer what was ordered."""

from orders_service.gateways import Letter, Template
from orders_service.orders.placed import PlacedOrder

_TEXT = """Hello{name},

thank you for your order {id}.

{lines}

Total: {total}

It goes to:
{address}

We will ship it as soon as the warehouse has packed it.
"""


def confirmation_of(order: PlacedOrder) -> Letter:
    """Plain text; the subject holds nothing that the customer typed."""
    address = order.shipping_address
    text = _TEXT.format(
        name=f" {address.name}" if address.name else "",
        id=order.id,
        lines="\n".join(f"  {item.quantity} x {item.sku} at {item.price}" for item in order.items),
        total=order.total,
        address="\n".join(
            f"  {line}"
            for line in (
                address.name,
                address.line1,
                address.line2,
                f"{address.postal_code} {address.city}",
                address.country,
            )
            if line
        ),
    )
    return Letter(
        to=order.customer_email,
        subject=f"Your order {order.id}",
        text=text,
        written_at=order.placed_at,
        template=Template.ORDER_CONFIRMED,
    )
