"""The audit: rows are added and read, and the database itself refuses to change or delete one."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Column, Index
from sqlmodel import Field, SQLModel


class AuditEntry(SQLModel, table=True):
    """One thing that somebody did."""

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index("ix_audit_entries_actor", "actor", "id"),
        Index("ix_audit_entries_subject", "subject_type", "subject_id", "id"),
        Index("ix_audit_entries_action", "action", "id"),
    )

    id: UUID = Field(primary_key=True)
    at: datetime
    actor: str = Field(max_length=200)
    actor_type: str = Field(max_length=16)
    action: str = Field(max_length=64)
    subject_type: str = Field(max_length=32)
    subject_id: str = Field(max_length=200)
    request_id: str | None = Field(default=None, max_length=128)
    ip: str | None = Field(default=None, max_length=45)
    before: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True), nullable=True))
    after: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True), nullable=True))
    outcome: str = Field(max_length=16)
