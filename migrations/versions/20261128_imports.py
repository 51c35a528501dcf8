"""Imports, the references that were read, and what was wrong with rows."""

from collections.abc import Sequence

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "imports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("principal", sa.String(length=100), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("file_name", sa.String(length=200), nullable=True),
        sa.Column("next_byte", sa.Integer(), nullable=False),
        sa.Column("next_record", sa.Integer(), nullable=False),
        sa.Column("rows_done", sa.Integer(), nullable=False),
        sa.Column("rows_total", sa.Integer(), nullable=True),
        sa.Column("orders", sa.Integer(), nullable=False),
        sa.Column("failed_rows", sa.Integer(), nullable=False),
        sa.Column("created_at", sqlmodel.UTCDateTime(), nullable=False),
        sa.Column("finished_at", sqlmodel.UTCDateTime(), nullable=True),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "state IN ('running', 'completed', 'rejected', 'failed', 'cancelled')",
            name=op.f("ck_imports_state_is_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
        sa.UniqueConstraint("run_id", name=op.f("uq_imports_run_id")),
    )
    op.create_index("ix_imports_principal_id", "imports", ["principal", "id"])
    op.create_table(
        "import_refs",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("order_ref", sa.String(length=100), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["import_id"], ["imports.id"], name=op.f("fk_import_refs_import_id_imports")),
        sa.PrimaryKeyConstraint("import_id", "order_ref", name=op.f("pk_import_refs")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "import_flaws",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("row_number", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("order_ref", sa.String(length=100), nullable=False),
        sa.Column("column_name", sa.String(length=32), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["imports.id"], name=op.f("fk_import_flaws_import_id_imports")),
        sa.PrimaryKeyConstraint("import_id", "row_number", "place", name=op.f("pk_import_flaws")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("import_flaws")
    op.drop_table("import_refs")
    op.drop_table("imports")
