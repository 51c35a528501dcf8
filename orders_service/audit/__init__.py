"""Who did what to what: written in the transaction of the change, and never altered. The front door of this slice."""

from orders_service.audit.notes import Auditing, Auditor, Note, address_of, by_service
from orders_service.audit.recording import record
from orders_service.audit.schemas import AuditEntryView, AuditFilter
from orders_service.audit.viewing import MOST_EXPORTED, as_csv, page_of

__all__ = [
    "MOST_EXPORTED",
    "AuditEntryView",
    "AuditFilter",
    "Auditing",
    "Auditor",
    "Note",
    "address_of",
    "as_csv",
    "by_service",
    "page_of",
    "record",
]
