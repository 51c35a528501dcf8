"""Orders and their lines."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, BigInteger, CheckConstraint, Column, Index, Text, text
from sqlmodel import Field, SQLModel

_ASKED_BACK = "cancellation_run_id IS NOT NULL"


class Order(SQLModel, table=True):
    """While its run is open the status stays `pending`, and what clients see follows from the run's step."""

    __tablename__ = "orders"
    __table_args__ = (
        CheckConstraint(
            "status IN ('pending', 'completed', 'shipped', 'delivered', 'rejected', 'failed', 'cancelled')",
            name="status_is_known",
        ),
        CheckConstraint("total_amount >= 0", name="total_is_not_negative"),
        Index("ix_orders_principal_id", "principal", "id"),
        Index("ix_orders_status_id", "status", "id"),
        Index(
            "ix_orders_cancellation_run_id",
            "cancellation_run_id",
            postgresql_where=text(_ASKED_BACK),
            sqlite_where=text(_ASKED_BACK),
        ),
    )

    id: UUID = Field(primary_key=True)
    principal: str = Field(max_length=100)
    status: str = Field(max_length=16)
    reason: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    customer_email: str = Field(max_length=254)
    total_amount: int = Field(sa_column=Column(BigInteger, nullable=False))
    total_currency: str = Field(max_length=3)
    shipping_address: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    created_at: datetime
    run_id: UUID = Field(unique=True)  # no foreign key: runs are pruned in time, orders stay
    cancellation_run_id: UUID | None = None  # asks the warehouse, or has asked it with success
    told_at: datetime | None = None  # that it ends badly
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None
    tracking: dict[str, str] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True), nullable=True))


class OrderLine(SQLModel, table=True):
    """One product of an order, at the price it was sold for."""

    __tablename__ = "order_lines"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity_is_positive"),
        {"sqlite_with_rowid": False},
    )

    order_id: UUID = Field(primary_key=True, foreign_key="orders.id")
    sku: str = Field(primary_key=True, max_length=64)
    place: int
    quantity: int
    price_amount: int = Field(sa_column=Column(BigInteger, nullable=False))
