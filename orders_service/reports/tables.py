"""Reports: what was asked for, and what came of it. Their files are made of the result whenever one is wanted."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Index, Text
from sqlmodel import Field, SQLModel


class Report(SQLModel, table=True):
    """While its run is open the state stays `pending`, and what clients see follows from the run."""

    __tablename__ = "reports"
    __table_args__ = (
        CheckConstraint(
            "state IN ('pending', 'completed', 'rejected', 'failed', 'cancelled')", name="report_state_is_known"
        ),
        Index("ix_reports_principal_id", "principal", "id"),
    )

    id: UUID = Field(primary_key=True)
    principal: str = Field(max_length=100)
    type: str = Field(max_length=16)
    first: str = Field(max_length=40)
    last: str = Field(max_length=40)
    time_zone: str = Field(max_length=64)
    since: datetime
    until: datetime
    notify_email: str | None = Field(default=None, max_length=254)
    state: str = Field(max_length=16)
    error: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    result: str | None = Field(default=None, sa_column=Column(Text, nullable=True))  # JSON; in lists it is not read
    created_at: datetime
    finished_at: datetime | None = None
    run_id: UUID = Field(unique=True)  # no foreign key: runs are pruned in time, reports stay
