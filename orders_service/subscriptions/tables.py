"""Who wants to hear of what, and what was sent to whom."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import JSON, BigInteger, CheckConstraint, Column, Index, Integer
from sqlmodel import Field, SQLModel


class WebhookEndpoint(SQLModel, table=True):
    """Somebody's URL. Its secrets are kept as they are, since each attempt is signed with them, and shown once."""

    __tablename__ = "webhook_endpoints"
    __table_args__ = (Index("ix_webhook_endpoints_owner", "owner", "id"),)

    id: UUID = Field(primary_key=True)
    owner: str = Field(max_length=100)
    sees_everything: bool = False
    url: str = Field(max_length=2000)
    event_types: list[str] = Field(sa_column=Column(JSON, nullable=False))
    description: str = Field(max_length=200)
    secret: str = Field(max_length=100)
    former_secret: str | None = Field(default=None, max_length=100)
    former_secret_until: datetime | None = None
    created_at: datetime
    disabled_at: datetime | None = None
    disabled_reason: str | None = Field(default=None, max_length=200)

    def live_secrets(self, now: datetime) -> tuple[str, ...]:
        """What to sign with: the secret, and the former one until its time is over."""
        if self.former_secret is None or self.former_secret_until is None or self.former_secret_until <= now:
            return (self.secret,)
        return (self.secret, self.former_secret)


class WebhookState(SQLModel, table=True):
    """One row: a number that every change of who is sent what raises in its own transaction."""

    __tablename__ = "webhook_state"

    id: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    revision: int = Field(sa_column=Column(BigInteger, nullable=False))


class WebhookDelivery(SQLModel, table=True):
    """One event on its way to one endpoint. What was sent and answered is in the journal, under its run.

    No foreign keys: an endpoint that is removed while an order is placed must not cost the order, and runs are pruned.
    """

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        CheckConstraint("state IN ('pending', 'delivered', 'failed')", name="state"),
        Index("ix_webhook_deliveries_endpoint", "endpoint_id", "id"),
        Index("ix_webhook_deliveries_finished", "endpoint_id", "state", "finished_at"),
        {"sqlite_with_rowid": False},
    )

    id: UUID = Field(primary_key=True)
    endpoint_id: UUID
    run_id: UUID = Field(unique=True)
    event_type: str = Field(max_length=50)
    webhook_id: UUID
    state: str = Field(max_length=16)
    created_at: datetime
    finished_at: datetime | None = None
    resent_as: UUID | None = None
