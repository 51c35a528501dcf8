"""Products, how many of each there are, and for which order some are held."""

from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column
from sqlmodel import Field, SQLModel


class Product(SQLModel, table=True):
    """What we sell, and at which price."""

    __tablename__ = "products"

    sku: str = Field(primary_key=True, max_length=64)
    name: str = Field(max_length=200)
    price_amount: int = Field(sa_column=Column(BigInteger, nullable=False))
    price_currency: str = Field(max_length=3)


class Stock(SQLModel, table=True):
    """How many may still be sold, and how many are held for orders."""

    __tablename__ = "stock"
    __table_args__ = (
        CheckConstraint("available >= 0", name="available_is_not_negative"),
        CheckConstraint("reserved >= 0", name="reserved_is_not_negative"),
        {"info": {"lock_rank": 30}, "postgresql_with": {"fillfactor": 50}},
    )

    sku: str = Field(primary_key=True, max_length=64, foreign_key="products.sku")
    available: int = Field(sa_column=Column(BigInteger, nullable=False))
    reserved: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))


class StockHold(SQLModel, table=True):
    """So many of one product are held for one order; once per order and product, whatever is repeated."""

    __tablename__ = "stock_holds"
    __table_args__ = ({"info": {"lock_rank": 31}, "sqlite_with_rowid": False},)

    order_id: UUID = Field(primary_key=True)
    sku: str = Field(primary_key=True, max_length=64)
    quantity: int
