"""Uploads in pieces, each small enough to be written beside the orders of others."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, LargeBinary
from sqlmodel import Field, SQLModel


class Upload(SQLModel, table=True):
    """A file that was sent. Until it is claimed nobody is answerable for it, and after an hour it goes."""

    __tablename__ = "uploads"

    id: UUID = Field(primary_key=True)
    created_at: datetime = Field(index=True)
    claimed_at: datetime | None = None


class UploadPart(SQLModel, table=True):
    """One piece of it."""

    __tablename__ = "upload_parts"
    __table_args__ = ({"sqlite_with_rowid": False},)

    upload_id: UUID = Field(primary_key=True, foreign_key="uploads.id")
    place: int = Field(primary_key=True)
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
