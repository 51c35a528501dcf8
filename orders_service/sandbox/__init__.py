"""Stand-ins for the outside world, for the development profile only: a warehouse, a CRM, a readable mailbox."""

from orders_service.sandbox.crm import SandboxCrm
from orders_service.sandbox.routes import router
from orders_service.sandbox.stand_ins import Sandbox
from orders_service.sandbox.warehouse import SandboxWarehouse

__all__ = ["Sandbox", "SandboxCrm", "SandboxWarehouse", "router"]
