"""Pictures of products: what was sent, and what is shown.

Without foreign keys to products: a product may go while its picture is being made.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, LargeBinary, Text
from sqlmodel import Field, SQLModel


class ProductImage(SQLModel, table=True):
    """Which picture of a product is shown. Whoever changes it locks this row first."""

    __tablename__ = "product_images"
    __table_args__ = (
        CheckConstraint("shown <= newest", name="shown_was_sent"),
        {"info": {"lock_rank": 40}, "sqlite_with_rowid": False},
    )

    sku: str = Field(primary_key=True, max_length=64)
    newest: int  # the pictures of a product are numbered in the order in which they were accepted
    shown: int = 0  # what has this number or a lower one is never shown again, also when it was removed
    stored_at: datetime | None = None  # when the one that is shown was made; none is, if there is no time


class ProductImageUpload(SQLModel, table=True):
    """One picture that was sent: by whom, and what has become of it."""

    __tablename__ = "product_image_uploads"
    __table_args__ = (
        CheckConstraint(
            "state IN ('pending', 'ready', 'rejected', 'failed', 'cancelled')", name="image_state_is_known"
        ),
        {"info": {"lock_rank": 41}, "sqlite_with_rowid": False},
    )

    sku: str = Field(primary_key=True, max_length=64)
    number: int = Field(primary_key=True)
    principal: str = Field(max_length=100)
    run_id: UUID = Field(unique=True)  # no foreign key: runs are pruned in time
    state: str = Field(max_length=16)
    reason: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    uploaded_at: datetime


class ProductImageSize(SQLModel, table=True):
    """The picture that is shown, in one size."""

    __tablename__ = "product_image_sizes"
    __table_args__ = ({"info": {"lock_rank": 42}},)

    sku: str = Field(primary_key=True, max_length=64, foreign_key="product_images.sku")
    width: int = Field(primary_key=True)
    height: int
    media_type: str = Field(max_length=32)
    etag: str = Field(max_length=64)
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
