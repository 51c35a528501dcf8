"""Indexes of tables that are large and in use, and the check of old orders; after a failure it can be run again.

All of it leaves the transaction of its revision, so that a failure halfway keeps what is done, and the old version.
Nothing here minds: what is left of an index, which may be invalid, is dropped before it is built. A revision that leaves
its transaction must do nothing that fails the second time.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

INDEXES: dict[str, tuple[str, list[str], str | None]] = {
    "ix_stock_holds_expires_at": ("stock_holds", ["expires_at"], "expires_at IS NOT NULL"),
    "ix_orders_status_id": ("orders", ["status", "id"], None),
    "ix_orders_cancellation_run_id": ("orders", ["cancellation_run_id"], "cancellation_run_id IS NOT NULL"),
    "ix_runs_ended": (
        "runs",
        ["pipeline", "id"],
        "state IN ('completed', 'rejected', 'failed', 'cancelled', 'quarantined')",
    ),
    "ix_runs_turned_back": ("runs", ["state", "id"], "state IN ('rejected', 'cancelled')"),
}


def upgrade() -> None:
    with patience():
        if op.get_context().dialect.name == "postgresql":
            op.execute("ALTER TABLE orders VALIDATE CONSTRAINT ck_orders_status_is_known")
        for name, (table, columns, where) in INDEXES.items():
            drop(name, table)
            condition = None if where is None else sa.text(where)
            op.create_index(
                name, table, columns, postgresql_where=condition, sqlite_where=condition, postgresql_concurrently=True
            )


def downgrade() -> None:
    with patience():
        for name, (table, _, _) in INDEXES.items():
            drop(name, table)


def drop(name: str, table: str) -> None:
    op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)


@contextmanager
def patience() -> Iterator[None]:
    """Here everybody else goes on, so wait as long as it takes: a build waits for every older snapshot to be gone.

    The limit is put back in SQL, for whoever runs the statements by hand; after a failure the session ends anyway.
    """
    if op.get_context().dialect.name != "postgresql":
        yield
        return
    with op.get_context().autocommit_block():
        op.execute("SELECT set_config('orders.lock_timeout', current_setting('lock_timeout'), false)")
        op.execute("SET lock_timeout = 0")
        yield
        op.execute("SELECT set_config('lock_timeout', current_setting('orders.lock_timeout'), false)")
