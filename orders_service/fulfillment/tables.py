"""The events that have been received: what makes a repetition of one harmless."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel


class ReceivedEvent(SQLModel, table=True):
    """One `webhook-id`, written in the transaction that starts the work on its event."""

    __tablename__ = "fulfillment_events"
    __table_args__ = ({"info": {"lock_rank": 11}, "sqlite_with_rowid": False},)

    webhook_id: str = Field(primary_key=True, max_length=255)
    order_id: UUID
    type: str = Field(max_length=32)
    run_id: UUID
    received_at: datetime = Field(index=True)
