"""The commands that speak with the running service over HTTP. The front door of this package."""

from orders_service.commands.keys import keys
from orders_service.commands.orders import orders
from orders_service.commands.pipelines import pipelines
from orders_service.commands.runs import runs
from orders_service.commands.schedules import schedules

__all__ = ["keys", "orders", "pipelines", "runs", "schedules"]
