"""Credentials. Their secrets are shown once; what is kept is a hash."""

from datetime import datetime

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from orders_service.auth.principals import CUSTOMER_SCOPES

_WAS_REVOKED = text("revoked_at IS NOT NULL")
_CUSTOMER = " ".join(sorted(CUSTOMER_SCOPES))


class ApiKey(SQLModel, table=True):
    """A credential of a program. The secret itself is shown once and kept nowhere."""

    __tablename__ = "api_keys"

    id: str = Field(primary_key=True, max_length=32)
    principal: str = Field(max_length=100)
    is_admin: bool = False
    scopes: str = Field(max_length=400, sa_column_kwargs={"server_default": _CUSTOMER})
    secret_hash: str = Field(max_length=64)
    created_at: datetime
    revoked_at: datetime | None = None


class Session(SQLModel, table=True):
    """A person who has logged in, until it ends."""

    __tablename__ = "sessions"
    __table_args__ = (
        Index("ix_sessions_revoked_at", "revoked_at", postgresql_where=_WAS_REVOKED, sqlite_where=_WAS_REVOKED),
    )

    id: str = Field(primary_key=True, max_length=32)
    principal: str = Field(max_length=100, index=True)
    secret_hash: str = Field(max_length=64)
    created_at: datetime
    expires_at: datetime = Field(index=True)
    revoked_at: datetime | None = None


class ConsoleSession(SQLModel, table=True):
    """A browser that somebody has signed in with. Without a key it was the bootstrap admin's credential."""

    __tablename__ = "console_sessions"

    id: str = Field(primary_key=True, max_length=32)
    key_id: str | None = Field(default=None, max_length=32)
    credential_hash: str = Field(max_length=64)
    secret_hash: str = Field(max_length=64)
    created_at: datetime
    expires_at: datetime = Field(index=True)
