"""Stand-ins for the outside world, for the development profile only: a warehouse, a CRM, a readable mailbox."""

from orders_service.sandbox.crm import SandboxCrm
from orders_service.sandbox.routes import make_router
from orders_service.sandbox.warehouse import SandboxWarehouse

__all__ = ["SandboxCrm", "SandboxWarehouse", "make_router"]
