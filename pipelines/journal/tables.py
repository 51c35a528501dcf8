"""The journal's tables. They live in the host's metadata, so each constraint is named here.

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
    SmallInteger,
    String,
    Table,
    Text,
    Uuid,
    text,
)
from sqlmodel import SQLModel, UTCDateTime

from pipelines.run import SUSPECT_AFTER, AttemptOutcome, Direction, RunState


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
IN_LINE = "serial IS NOT NULL AND state IN ('ready', 'running', 'waiting', 'undoing')"
AHEAD_IN_LINE = IN_LINE.replace("serial", "ahead.serial").replace("state", "ahead.state")
IN_A_LINE = "serial IS NOT NULL"
KEYED = "key IS NOT NULL"
OWNED = "owner IS NOT NULL"
SUSPECT = f"owner IS NULL AND crashes >= {SUSPECT_AFTER} AND finished_at IS NULL"
DEAD_LETTER = "state IN ('failed', 'quarantined')"
ENDED = "state IN ('completed', 'rejected', 'failed', 'cancelled', 'quarantined')"
TURNED_BACK = "state IN ('rejected', 'cancelled')"


def _partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    return Index(name, *columns, unique=unique, postgresql_where=text(where), sqlite_where=text(where))


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
    Column("knows", Text, nullable=False, server_default=text("'[]'")),
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
    Column("undo_failure", Text, nullable=True),
    Column("payload", Text, nullable=False),
    Column("created_at", UTCDateTime(), nullable=False),
    Column("step_since", UTCDateTime(), nullable=False),
    Column("finished_at", UTCDateTime(), nullable=True),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    Column("priority", SmallInteger, nullable=False, server_default=text("1")),
    Column("key", String(255), nullable=True),
    Column("serial", String(255), nullable=True),
    Column("serial_place", BigInteger, nullable=True),
    Column("deadline_at", UTCDateTime(), nullable=True),
    Column("progress", Text, nullable=True),
    Column("traceparent", String(55), nullable=True),
    PrimaryKeyConstraint("id", name="pk_runs"),
    CheckConstraint(_one_of("state", RunState), name="ck_runs_state"),
    _partial("ix_runs_claimable", "priority", "due_at", "id", where=CLAIMABLE),
    _partial("ix_runs_owner", "owner", where=OWNED),
    _partial("ix_runs_key", "pipeline", "key", where=KEYED, unique=True),
    # With those that have ended: a place is never given twice, or two processes could hand out different free ones.
    _partial("ix_runs_line", "pipeline", "serial", "serial_place", where=IN_A_LINE, unique=True),
    _partial("ix_runs_in_line", "pipeline", "serial", "serial_place", where=IN_LINE),
    _partial("ix_runs_suspects", "due_at", "id", where=SUSPECT),
    _partial("ix_runs_dead_letters", "pipeline", "state", "id", where=DEAD_LETTER),
    _partial("ix_runs_turned_back", "state", "id", where=TURNED_BACK),
    _partial("ix_runs_ended", "pipeline", "id", where=ENDED),  # with open runs in it a claim might be sent through it
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
    Column("place", Integer, nullable=False, server_default=text("0")),
    Column("version", String(32), nullable=True),
    PrimaryKeyConstraint("run_id", "generation", "step", "kind", "number", name="pk_attempts"),
    CheckConstraint(_one_of("outcome", AttemptOutcome), name="ck_attempts_outcome"),
    CheckConstraint(_one_of("kind", Direction), name="ck_attempts_kind"),
    info={"lock_rank": 21},
    comment="Written only beside a guarded UPDATE of the run, which stands in for a foreign key.",
    sqlite_with_rowid=False,
)

pauses = Table(
    "pipeline_pauses",
    SQLModel.metadata,
    Column("pipeline", String(100), nullable=False),
    Column("paused_at", UTCDateTime(), nullable=False),
    Column("paused_by", String(200), nullable=False),
    Column("reason", Text, nullable=False),
    PrimaryKeyConstraint("pipeline", name="pk_pipeline_pauses"),
    info={"lock_rank": 22},
    comment="A row stops new steps of its pipeline; without one it runs.",
)

schedules = Table(
    "schedules",
    SQLModel.metadata,
    Column("name", String(100), nullable=False),
    Column("pipeline", String(100), nullable=False),
    Column("trigger", String(200), nullable=False),
    Column("last_fire_at", UTCDateTime(), nullable=True),
    Column("next_fire_at", UTCDateTime(), nullable=True),
    Column("last_run_id", Uuid, nullable=True),
    Column("paused_at", UTCDateTime(), nullable=True),
    Column("paused_by", String(200), nullable=True),
    PrimaryKeyConstraint("name", name="pk_schedules"),
    info={"lock_rank": 23},
    comment="How far each schedule has fired; a tick is a run whose key is made of name and fire time.",
)

interventions = Table(
    "interventions",
    SQLModel.metadata,
    Column("id", Uuid, nullable=False),
    Column("at", UTCDateTime(), nullable=False),
    Column("actor", String(200), nullable=False),
    Column("action", String(16), nullable=False),
    Column("pipeline", String(100), nullable=True),
    Column("run_id", Uuid, nullable=True),
    Column("details", Text, nullable=True),
    PrimaryKeyConstraint("id", name="pk_interventions"),
    _partial("ix_interventions_run", "run_id", where="run_id IS NOT NULL"),
    info={"lock_rank": 24},
    comment="Who retried, cancelled, paused or triggered what, written in the transaction of the change.",
)
