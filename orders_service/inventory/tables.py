"""Products, how many of each there are, for which order some are held, and what has moved."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, Text, text
from sqlmodel import Field, SQLModel


class Product(SQLModel, table=True):
    """What we sell, and at which price. What is removed stays: orders in flight and history speak of it."""

    __tablename__ = "products"
    __table_args__ = ({"info": {"lock_rank": 29}},)  # before its stock, which refers to it

    sku: str = Field(primary_key=True, max_length=64)
    name: str = Field(max_length=200)
    price_amount: int = Field(sa_column=Column(BigInteger, nullable=False))
    price_currency: str = Field(max_length=3)
    version: int = Field(default=1, sa_column=Column(Integer, nullable=False, server_default=text("1")))
    updated_at: datetime | None = None
    removed_at: datetime | None = None


class Stock(SQLModel, table=True):
    """How many may still be sold, how many are held for orders, and how many have been shipped."""

    __tablename__ = "stock"
    __table_args__ = (
        CheckConstraint("available >= 0", name="available_is_not_negative"),
        CheckConstraint("reserved >= 0", name="reserved_is_not_negative"),
        CheckConstraint("consumed >= 0", name="consumed_is_not_negative"),
        {"info": {"lock_rank": 30}, "postgresql_with": {"fillfactor": 50}},
    )

    sku: str = Field(primary_key=True, max_length=64, foreign_key="products.sku")
    available: int = Field(sa_column=Column(BigInteger, nullable=False))
    reserved: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    consumed: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default=text("0")))


class StockHold(SQLModel, table=True):
    """So many of one product are held for one order; once per order and product, whatever is repeated.

    A hold without `expires_at` is firm.
    """

    __tablename__ = "stock_holds"
    __table_args__ = (
        Index(
            "ix_stock_holds_expires_at",
            "expires_at",
            postgresql_where=text("expires_at IS NOT NULL"),
            sqlite_where=text("expires_at IS NOT NULL"),
        ),
        {"info": {"lock_rank": 31}, "sqlite_with_rowid": False},
    )

    order_id: UUID = Field(primary_key=True)
    sku: str = Field(primary_key=True, max_length=64)
    quantity: int
    expires_at: datetime | None = None


class StockMovement(SQLModel, table=True):
    """So many came or went by somebody's word; orders move stock without it, within what has come."""

    __tablename__ = "stock_movements"
    __table_args__ = (Index("ix_stock_movements_sku_id", "sku", "id"),)

    id: UUID = Field(primary_key=True)
    sku: str = Field(max_length=64, foreign_key="products.sku")
    at: datetime
    change: int = Field(sa_column=Column(BigInteger, nullable=False))
    reason: str = Field(max_length=200)
    actor: str = Field(max_length=200)


class CatalogState(SQLModel, table=True):
    """One row: a number that every change of a product raises in its own transaction."""

    __tablename__ = "catalog_state"

    id: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    revision: int = Field(sa_column=Column(BigInteger, nullable=False))


class CatalogPage(SQLModel, table=True):
    """A page of the catalog as it is sent, but for how many are available; good for one revision."""

    __tablename__ = "catalog_pages"

    revision: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    begins_after: str = Field(primary_key=True, max_length=64)
    content: str = Field(sa_column=Column(Text, nullable=False))
