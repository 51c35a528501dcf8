"""What is shown of the audit, and how it is asked for."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from orders_service.audit.tables import AuditEntry
from orders_service.pages import Limit
from orders_service.strict_models import StrictModel, Timestamp

_EXAMPLE: dict[str, Any] = {
    "id": "01a1fccd-1aee-748f-9e6d-a53a446f6bc9",
    "at": "2026-11-28T12:00:00Z",
    "actor": "admin",
    "actor_type": "admin",
    "action": "product_replaced",
    "subject_type": "product",
    "subject_id": "LAMP-01",
    "request_id": "4f0c9a",
    "ip": "203.0.113.9",
    "before": {"price": {"amount": 1999, "currency": "EUR"}},
    "after": {"price": {"amount": 2199, "currency": "EUR"}},
    "outcome": "done",
}


class AuditEntryView(BaseModel):
    """One thing that somebody did; `before` and `after` show what changed."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [_EXAMPLE]})

    id: UUID
    at: datetime
    actor: str
    actor_type: str = Field(
        description="`admin`, `user`, `key`, `warehouse`, `anonymous` without a credential, `service` for our own runs."
    )
    action: str
    subject_type: str
    subject_id: str
    request_id: str | None
    ip: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    outcome: str

    @classmethod
    def of(cls, entry: AuditEntry) -> "AuditEntryView":
        return cls(**entry.model_dump())


class AuditFilter(StrictModel):
    """Which entries to list."""

    actor: str | None = Field(default=None, max_length=200)
    action: str | None = Field(default=None, max_length=64)
    subject_type: str | None = Field(default=None, max_length=32)
    subject_id: str | None = Field(default=None, max_length=200)
    request_id: str | None = Field(default=None, max_length=128)
    created_after: Timestamp | None = None
    created_before: Timestamp | None = None
    cursor: str | None = Field(default=None, max_length=1000)
    limit: Limit = Field(default=50, strict=False)

    @property
    def columns(self) -> dict[str, str]:
        """What the columns of an entry have to be."""
        return self.model_dump(
            include={"actor", "action", "subject_type", "subject_id", "request_id"}, exclude_none=True
        )
