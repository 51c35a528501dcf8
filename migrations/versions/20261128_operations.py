"""Runs are listed by pipeline, and those that were turned back by state; sessions that were revoked are found."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

INDEXES: dict[str, tuple[str, list[str], str]] = {
    "ix_runs_ended": (
        "runs",
        ["pipeline", "id"],
        "state IN ('completed', 'rejected', 'failed', 'cancelled', 'quarantined')",
    ),
    "ix_runs_turned_back": ("runs", ["state", "id"], "state IN ('rejected', 'cancelled')"),
    "ix_sessions_revoked_at": ("sessions", ["revoked_at"], "revoked_at IS NOT NULL"),
}


def upgrade() -> None:
    with op.get_context().autocommit_block():  # nobody waits for an index to be built
        for name, (table, columns, where) in INDEXES.items():
            words = sa.text(where)
            op.create_index(
                name, table, columns, postgresql_where=words, sqlite_where=words, postgresql_concurrently=True
            )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        for name, (table, _, _) in INDEXES.items():
            op.drop_index(name, table, postgresql_concurrently=True)
