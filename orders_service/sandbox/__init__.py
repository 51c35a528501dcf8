"""Stand-ins for the outside world, for the development profile only: a warehouse and a readable mailbox."""

from orders_service.sandbox.routes import make_router
from orders_service.sandbox.warehouse import SandboxWarehouse

__all__ = ["SandboxWarehouse", "make_router"]
