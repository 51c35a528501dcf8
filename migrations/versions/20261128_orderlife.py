"""Orders that are shipped, delivered or asked back, and the events of the warehouse."""

from collections.abc import Sequence

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

STATUS = "ck_orders_status_is_known"
BEFORE = "status IN ('pending', 'completed', 'rejected', 'failed', 'cancelled')"
AFTER = "status IN ('pending', 'completed', 'shipped', 'delivered', 'rejected', 'failed', 'cancelled')"


def new_columns() -> list[sa.Column]:
    return [
        sa.Column("cancellation_run_id", sa.Uuid(), nullable=True),
        sa.Column("told_at", sqlmodel.UTCDateTime(), nullable=True),
        sa.Column("shipped_at", sqlmodel.UTCDateTime(), nullable=True),
        sa.Column("delivered_at", sqlmodel.UTCDateTime(), nullable=True),
        sa.Column("tracking", sa.JSON(), nullable=True),
    ]


def upgrade() -> None:
    for column in new_columns():
        op.add_column("orders", column)
    set_statuses(AFTER)
    op.create_table(
        "fulfillment_events",
        sa.Column("webhook_id", sa.String(length=255), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("received_at", sqlmodel.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("webhook_id", name=op.f("pk_fulfillment_events")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_fulfillment_events_received_at", "fulfillment_events", ["received_at"])


def set_statuses(condition: str) -> None:
    if op.get_context().dialect.name == "postgresql":  # 0012 checks the old rows, when nobody waits for it
        op.execute(f"ALTER TABLE orders DROP CONSTRAINT {STATUS}")
        op.execute(f"ALTER TABLE orders ADD CONSTRAINT {STATUS} CHECK ({condition}) NOT VALID")
        return
    with op.batch_alter_table("orders") as batch:
        batch.drop_constraint(op.f(STATUS), type_="check")
        batch.create_check_constraint(op.f(STATUS), condition)


def downgrade() -> None:
    op.drop_table("fulfillment_events")
    op.execute("UPDATE orders SET status = 'completed' WHERE status IN ('shipped', 'delivered')")
    set_statuses(BEFORE)
    if op.get_context().dialect.name == "postgresql":
        op.execute(f"ALTER TABLE orders VALIDATE CONSTRAINT {STATUS}")
    for column in reversed(new_columns()):
        op.drop_column("orders", column.name)
