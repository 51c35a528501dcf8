"""Sessions that were revoked are found."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

REVOKED = "revoked_at IS NOT NULL"


def upgrade() -> None:
    op.create_index(  # not concurrently: the table came with 0003, of the same release, and is empty
        "ix_sessions_revoked_at",
        "sessions",
        ["revoked_at"],
        postgresql_where=sa.text(REVOKED),
        sqlite_where=sa.text(REVOKED),
    )


def downgrade() -> None:
    op.drop_index("ix_sessions_revoked_at", "sessions")
