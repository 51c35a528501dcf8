"""The journal's three tables. They live in the host's metadata, so each constraint is named here.

Every table carries `lock_rank`, its place in the global lock order: all that write in one transaction take their
rows in this order, so that two processes never wait for each other in a circle.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Enum,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    Uuid,
    text,
)
from sqlmodel import SQLModel, UTCDateTime

from pipelines.run import AttemptOutcome, Direction, RunState


def _one_of(column: str, values: type[RunState] | type[AttemptOutcome] | type[Direction]) -> str:
    return f"{column} IN ({', '.join(repr(value.value) for value in values)})"


def _words(kind: type[RunState] | type[AttemptOutcome] | type[Direction]) -> Enum:
    """A plain string in the database: a native enum would be painful to extend."""
    return Enum(
        kind,
        native_enum=False,
        create_constraint=False,
        length=16,
        values_callable=lambda words: [w.value for w in words],
    )


CLAIMABLE = "owner IS NULL AND state IN ('ready', 'waiting', 'undoing')"

processes = Table(
    "processes",
    SQLModel.metadata,
    Column("id", Uuid, nullable=False),
    Column("host", String(255), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("started_at", UTCDateTime(), nullable=False),
    Column("lease_until", UTCDateTime(), nullable=False),
    Column("commit_seq", BigInteger, nullable=False),
    PrimaryKeyConstraint("id", name="pk_processes"),
    CheckConstraint("state IN ('live', 'draining', 'dead')", name="ck_processes_state"),
    info={"lock_rank": 0},
    comment="One incarnation of a process each: heartbeat, fence and commit counter in one row; ids are never reused.",
    postgresql_with={"fillfactor": 50, "autovacuum_vacuum_scale_factor": 0.01},
)

runs = Table(
    "runs",
    SQLModel.metadata,
    Column("id", Uuid, nullable=False),
    Column("pipeline", String(100), nullable=False),
    Column("version", String(32), nullable=False),
    Column("state", _words(RunState), nullable=False),
    Column("step", String(100), nullable=False),
    Column("owner", Uuid, nullable=True),
    Column("fence", Integer, nullable=False),
    Column("due_at", UTCDateTime(), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("errors", Integer, nullable=False),
    Column("crashes", Integer, nullable=False),
    Column("solo", Boolean, nullable=False),
    Column("solo_deaths", Integer, nullable=False),
    Column("ending", _words(RunState), nullable=True),
    Column("reason", Text, nullable=True),
    Column("payload", Text, nullable=False),
    Column("created_at", UTCDateTime(), nullable=False),
    Column("step_since", UTCDateTime(), nullable=False),
    Column("finished_at", UTCDateTime(), nullable=True),
    PrimaryKeyConstraint("id", name="pk_runs"),
    CheckConstraint(_one_of("state", RunState), name="ck_runs_state"),
    Index("ix_runs_due", "due_at", "id", postgresql_where=text(CLAIMABLE), sqlite_where=text(CLAIMABLE)),
    Index("ix_runs_owner", "owner", postgresql_where=text("owner IS NOT NULL"), sqlite_where=text("owner IS NOT NULL")),
    info={"lock_rank": 20},
    comment="A run that waits or has ended has no owner; a step forward changes no indexed column.",
    postgresql_with={"fillfactor": 70, "autovacuum_vacuum_scale_factor": 0.01},
)

attempts = Table(
    "attempts",
    SQLModel.metadata,
    Column("run_id", Uuid, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("step", String(100), nullable=False),
    Column("kind", _words(Direction), nullable=False),
    Column("number", Integer, nullable=False),
    Column("outcome", _words(AttemptOutcome), nullable=False),
    Column("error", Text, nullable=True),
    Column("result", Text, nullable=True),
    Column("started_at", UTCDateTime(), nullable=False),
    Column("finished_at", UTCDateTime(), nullable=False),
    PrimaryKeyConstraint("run_id", "generation", "step", "kind", "number", name="pk_attempts"),
    CheckConstraint(_one_of("outcome", AttemptOutcome), name="ck_attempts_outcome"),
    CheckConstraint(_one_of("kind", Direction), name="ck_attempts_kind"),
    info={"lock_rank": 21},
    comment="Written only beside a guarded UPDATE of the run, which stands in for a foreign key.",
    sqlite_with_rowid=False,
)
