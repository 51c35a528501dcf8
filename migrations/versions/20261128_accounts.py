"""Accounts of people, and what they have bought."""

from collections.abc import Sequence

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("salutation", sa.String(length=100), nullable=True),
        sa.Column("password_hash", sa.String(length=255), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("created_at", sqlmodel.UTCDateTime(), nullable=False),
        sa.Column("updated_at", sqlmodel.UTCDateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("login_count", sa.Integer(), nullable=False),
        sa.Column("last_login_at", sqlmodel.UTCDateTime(), nullable=True),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("crm_state", sa.String(length=16), nullable=False),
        sa.Column("crm_version", sa.Integer(), nullable=False),
        sa.Column("crm_synced_at", sqlmodel.UTCDateTime(), nullable=True),
        sa.Column("crm_error", sa.Text(), nullable=True),
        sa.CheckConstraint("status IN ('new', 'active', 'refused')", name=op.f("ck_users_status_is_known")),
        sa.CheckConstraint(
            "crm_state IN ('pending', 'synced', 'failed', 'off')", name=op.f("ck_users_crm_state_is_known")
        ),
        sa.CheckConstraint("login_count >= 0", name=op.f("ck_users_login_count_is_not_negative")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
    )
    op.create_table(
        "user_spending",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("orders_count", sa.Integer(), nullable=False),
        sa.Column("spent", sa.BigInteger(), nullable=False),
        sa.Column("last_order_at", sqlmodel.UTCDateTime(), nullable=False),
        sa.CheckConstraint("orders_count >= 0", name=op.f("ck_user_spending_orders_count_is_not_negative")),
        sa.CheckConstraint("spent >= 0", name=op.f("ck_user_spending_spent_is_not_negative")),
        sa.PrimaryKeyConstraint("user_id", "currency", name=op.f("pk_user_spending")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("user_spending")
    op.drop_table("users")
