"""Pictures of products."""

from collections.abc import Sequence

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "product_images",
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("newest", sa.Integer(), nullable=False),
        sa.Column("shown", sa.Integer(), nullable=False),
        sa.Column("stored_at", sqlmodel.UTCDateTime(), nullable=True),
        sa.CheckConstraint("shown <= newest", name=op.f("ck_product_images_shown_was_sent")),
        sa.PrimaryKeyConstraint("sku", name=op.f("pk_product_images")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "product_image_uploads",
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("principal", sa.String(length=100), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("uploaded_at", sqlmodel.UTCDateTime(), nullable=False),
        sa.CheckConstraint(
            "state IN ('pending', 'ready', 'rejected', 'failed', 'cancelled')",
            name=op.f("ck_product_image_uploads_image_state_is_known"),
        ),
        sa.PrimaryKeyConstraint("sku", "number", name=op.f("pk_product_image_uploads")),
        sa.UniqueConstraint("run_id", name=op.f("uq_product_image_uploads_run_id")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "product_image_sizes",
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("media_type", sa.String(length=32), nullable=False),
        sa.Column("etag", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sku"], ["product_images.sku"], name=op.f("fk_product_image_sizes_sku_product_images")
        ),
        sa.PrimaryKeyConstraint("sku", "width", name=op.f("pk_product_image_sizes")),
    )


def downgrade() -> None:
    op.drop_table("product_image_sizes")
    op.drop_table("product_image_uploads")
    op.drop_table("product_images")
