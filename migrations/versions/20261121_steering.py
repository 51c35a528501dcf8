"""Keys, lines, priorities, deadlines and progress of runs; schedules, pauses, and who did what."""

from collections.abc import Sequence

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

CLAIMABLE = "owner IS NULL AND state IN ('ready', 'waiting', 'undoing')"
INDEXES = {
    "ix_runs_claimable": (["priority", "due_at", "id"], CLAIMABLE),
    "ix_runs_key": (["pipeline", "key"], "key IS NOT NULL"),
    "ix_runs_line": (["pipeline", "serial", "serial_place"], "serial IS NOT NULL"),
    "ix_runs_in_line": (
        ["pipeline", "serial", "serial_place"],
        "serial IS NOT NULL AND state IN ('ready', 'running', 'waiting', 'undoing')",
    ),
    "ix_runs_suspects": (["due_at", "id"], "owner IS NULL AND crashes >= 2 AND finished_at IS NULL"),
    "ix_runs_dead_letters": (["pipeline", "state", "id"], "state IN ('failed', 'quarantined')"),
}
UNIQUE = {"ix_runs_key", "ix_runs_line"}
COLUMNS = ("tries", "priority", "key", "serial", "serial_place", "deadline_at", "progress", "traceparent", "undo_failure")


def upgrade() -> None:
    op.add_column("runs", sa.Column("tries", sa.Integer(), nullable=False, server_default=sa.text("0")))
    op.add_column("runs", sa.Column("priority", sa.SmallInteger(), nullable=False, server_default=sa.text("1")))
    op.add_column("runs", sa.Column("key", sa.String(length=255), nullable=True))
    op.add_column("runs", sa.Column("serial", sa.String(length=255), nullable=True))
    op.add_column("runs", sa.Column("serial_place", sa.BigInteger(), nullable=True))
    op.add_column("runs", sa.Column("deadline_at", sqlmodel.UTCDateTime(), nullable=True))
    op.add_column("runs", sa.Column("progress", sa.Text(), nullable=True))
    op.add_column("runs", sa.Column("traceparent", sa.String(length=55), nullable=True))
    op.add_column("runs", sa.Column("undo_failure", sa.Text(), nullable=True))
    op.add_column("processes", sa.Column("knows", sa.Text(), nullable=False, server_default=sa.text("'[]'")))
    op.add_column("attempts", sa.Column("place", sa.Integer(), nullable=False, server_default=sa.text("0")))
    op.add_column("attempts", sa.Column("version", sa.String(length=32), nullable=True))
    create_tables()
    with op.get_context().autocommit_block():  # nobody waits for an index to be built
        for name, (columns, where) in INDEXES.items():
            op.create_index(
                name,
                "runs",
                columns,
                unique=name in UNIQUE,
                postgresql_where=sa.text(where),
                sqlite_where=sa.text(where),
                postgresql_concurrently=True,
            )
        op.drop_index("ix_runs_due", "runs", postgresql_concurrently=True)


def create_tables() -> None:
    op.create_table(
        "pipeline_pauses",
        sa.Column("pipeline", sa.String(length=100), nullable=False),
        sa.Column("paused_at", sqlmodel.UTCDateTime(), nullable=False),
        sa.Column("paused_by", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("pipeline", name="pk_pipeline_pauses"),
        comment="A row stops new steps of its pipeline; without one it runs.",
    )
    op.create_table(
        "schedules",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("pipeline", sa.String(length=100), nullable=False),
        sa.Column("trigger", sa.String(length=200), nullable=False),
        sa.Column("last_fire_at", sqlmodel.UTCDateTime(), nullable=True),
        sa.Column("next_fire_at", sqlmodel.UTCDateTime(), nullable=True),
        sa.Column("last_run_id", sa.Uuid(), nullable=True),
        sa.Column("paused_at", sqlmodel.UTCDateTime(), nullable=True),
        sa.Column("paused_by", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_schedules"),
        comment="How far each schedule has fired; a tick is a run whose key is made of name and fire time.",
    )
    op.create_table(
        "interventions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sqlmodel.UTCDateTime(), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("pipeline", sa.String(length=100), nullable=True),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        sa.Column("details", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_interventions"),
        comment="Who retried, cancelled, paused or triggered what, written in the transaction of the change.",
    )
    op.create_index(
        "ix_interventions_run",
        "interventions",
        ["run_id"],
        postgresql_where=sa.text("run_id IS NOT NULL"),
        sqlite_where=sa.text("run_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_table("interventions")
    op.drop_table("schedules")
    op.drop_table("pipeline_pauses")
    op.create_index(
        "ix_runs_due",
        "runs",
        ["due_at", "id"],
        postgresql_where=sa.text(CLAIMABLE),
        sqlite_where=sa.text(CLAIMABLE),
    )
    for name in INDEXES:
        op.drop_index(name, "runs")
    op.drop_column("attempts", "version")
    op.drop_column("attempts", "place")
    op.drop_column("processes", "knows")
    for column in reversed(COLUMNS):
        op.drop_column("runs", column)
