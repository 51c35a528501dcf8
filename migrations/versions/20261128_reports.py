"""Reports: what was asked for, and what came of it."""

from collections.abc import Sequence

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "reports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("principal", sa.String(length=100), nullable=False),
        sa.Column("type", sa.String(length=16), nullable=False),
        sa.Column("first", sa.String(length=40), nullable=False),
        sa.Column("last", sa.String(length=40), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("since", sqlmodel.UTCDateTime(), nullable=False),
        sa.Column("until", sqlmodel.UTCDateTime(), nullable=False),
        sa.Column("notify_email", sa.String(length=254), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("created_at", sqlmodel.UTCDateTime(), nullable=False),
        sa.Column("finished_at", sqlmodel.UTCDateTime(), nullable=True),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "state IN ('pending', 'completed', 'rejected', 'failed', 'cancelled')",
            name=op.f("ck_reports_report_state_is_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reports")),
        sa.UniqueConstraint("run_id", name=op.f("uq_reports_run_id")),
    )
    op.create_index("ix_reports_principal_id", "reports", ["principal", "id"])


def downgrade() -> None:
    op.drop_table("reports")
