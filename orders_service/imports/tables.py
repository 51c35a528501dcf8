"""Imports, which orders came out of them, and what was wrong with the other rows."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Index, Text
from sqlmodel import Field, SQLModel


class OrderImport(SQLModel, table=True):
    """One file of orders. `next_byte` and `next_record` are where the rows begin that are still to be read."""

    __tablename__ = "imports"
    __table_args__ = (
        CheckConstraint("state IN ('running', 'completed', 'rejected', 'failed', 'cancelled')", name="state_is_known"),
        Index("ix_imports_principal_id", "principal", "id"),
    )

    id: UUID = Field(primary_key=True)
    principal: str = Field(max_length=100)
    state: str = Field(max_length=16)
    reason: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    file_name: str | None = Field(default=None, max_length=200)
    next_byte: int = 0
    next_record: int = 0
    rows_done: int = 0
    rows_total: int | None = None
    orders: int = 0
    failed_rows: int = 0
    created_at: datetime
    finished_at: datetime | None = None
    run_id: UUID = Field(unique=True)  # no foreign key: runs are pruned before imports are


class ImportedRef(SQLModel, table=True):
    """An `order_ref` that was read, and the order that came of it, if one did."""

    __tablename__ = "import_refs"
    __table_args__ = ({"sqlite_with_rowid": False},)

    import_id: UUID = Field(primary_key=True, foreign_key="imports.id")
    order_ref: str = Field(primary_key=True, max_length=100)
    order_id: UUID | None = None


class ImportFlaw(SQLModel, table=True):
    """What was wrong with one row."""

    __tablename__ = "import_flaws"
    __table_args__ = ({"sqlite_with_rowid": False},)

    import_id: UUID = Field(primary_key=True, foreign_key="imports.id")
    row_number: int = Field(primary_key=True)
    place: int = Field(primary_key=True)
    order_ref: str = Field(max_length=100)
    column_name: str = Field(max_length=32)
    message: str = Field(sa_column=Column(Text, nullable=False))
