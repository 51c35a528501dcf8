"""All tables of the service and of the journal, in one metadata: imported by migrations and by whoever moves all."""

from orders_service import database  # noqa: F401 - the naming convention comes before the first table
from orders_service.accounts.tables import Spending, User
from orders_service.audit.tables import AuditEntry
from orders_service.auth import ApiKey, ConsoleSession, Session
from orders_service.fulfillment.tables import ReceivedEvent
from orders_service.idempotency import RememberedAnswer
from orders_service.images.tables import ProductImage, ProductImageSize, ProductImageUpload
from orders_service.imports.tables import ImportedRef, ImportFlaw, OrderImport
from orders_service.inventory.tables import CatalogPage, CatalogState, Product, Stock, StockHold, StockMovement
from orders_service.orders.tables import Order, OrderLine
from orders_service.reports.tables import Report
from orders_service.subscriptions.tables import WebhookDelivery, WebhookEndpoint, WebhookState
from orders_service.uploads.tables import Upload, UploadPart
from pipelines.journal.tables import attempts, interventions, pauses, processes, runs, schedules

# Tables and columns (`orders.note`) that no model names any more. The release before still writes them, so they stay
# for this one; a revision of the next may drop them, and says so: `CONTRACTS = {"orders.note"}`.
RETIRED: frozenset[str] = frozenset()

__all__ = [
    "RETIRED",
    "ApiKey",
    "AuditEntry",
    "CatalogPage",
    "CatalogState",
    "ConsoleSession",
    "ImportFlaw",
    "ImportedRef",
    "Order",
    "OrderImport",
    "OrderLine",
    "Product",
    "ProductImage",
    "ProductImageSize",
    "ProductImageUpload",
    "ReceivedEvent",
    "RememberedAnswer",
    "Report",
    "Session",
    "Spending",
    "Stock",
    "StockHold",
    "StockMovement",
    "Upload",
    "UploadPart",
    "User",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookState",
    "attempts",
    "interventions",
    "pauses",
    "processes",
    "runs",
    "schedules",
]
