"""Accounts of people, and what each has bought."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, Text
from sqlmodel import Field, SQLModel


class User(SQLModel, table=True):
    """One person. `version` counts the changes that people make; what the background notes is no such change."""

    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint("status IN ('new', 'active', 'refused')", name="status_is_known"),
        CheckConstraint("crm_state IN ('pending', 'synced', 'failed', 'off')", name="crm_state_is_known"),
        CheckConstraint("login_count >= 0", name="login_count_is_not_negative"),
    )

    id: UUID = Field(primary_key=True)
    email: str = Field(max_length=254, unique=True)
    name: str = Field(max_length=100)
    salutation: str | None = Field(default=None, max_length=100)
    password_hash: str = Field(max_length=255)
    status: str = Field(max_length=16)
    created_at: datetime
    updated_at: datetime
    version: int
    login_count: int
    last_login_at: datetime | None = None
    run_id: UUID  # the latest background work; no foreign key: runs are pruned in time, accounts stay
    crm_state: str = Field(max_length=16)
    crm_version: int  # which version the CRM has; 0 for none
    crm_synced_at: datetime | None = None
    crm_error: str | None = Field(default=None, sa_column=Column(Text, nullable=True))


class Spending(SQLModel, table=True):
    """What a user has bought in one currency: amounts of several do not add up."""

    __tablename__ = "user_spending"
    __table_args__ = (
        CheckConstraint("orders_count >= 0", name="orders_count_is_not_negative"),
        CheckConstraint("spent >= 0", name="spent_is_not_negative"),
        {"sqlite_with_rowid": False},
    )

    user_id: UUID = Field(primary_key=True)  # no foreign key: a missing account must not keep an order from its end
    currency: str = Field(primary_key=True, max_length=3)
    orders_count: int
    spent: int = Field(sa_column=Column(BigInteger, nullable=False))
    last_order_at: datetime
