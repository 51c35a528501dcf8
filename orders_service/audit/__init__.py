"""Who did what to what: written in the transaction of the change, and never altered. The front door of this slice."""

from orders_service.audit.notes import Auditing, Auditor, Note, address_of, by_service
from orders_service.audit.recording import record

__all__ = ["Auditing", "Auditor", "Note", "address_of", "by_service", "record"]
