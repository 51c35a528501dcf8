"""Groups of commands: they speak with the running service over HTTP, but for `journal`. The front door."""

from orders_service.commands.journal import journal
from orders_service.commands.keys import keys
from orders_service.commands.orders import orders
from orders_service.commands.pipelines import pipelines
from orders_service.commands.runs import runs
from orders_service.commands.schedules import schedules

__all__ = ["journal", "keys", "orders", "pipelines", "runs", "schedules"]
