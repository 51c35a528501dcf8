"""Who owns a run: taking what nobody owns, asking for one's own again, giving back, and taking from the dead."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Row,
    RowMapping,
    Update,
    and_,
    bindparam,
    case,
    exists,
    false,
    null,
    or_,
    select,
    text,
    tuple_,
    update,
)

from pipelines.journal.dialects import now_and, seconds
from pipelines.journal.tables import AHEAD_IN_LINE, CLAIMABLE, attempts, runs
from pipelines.pipeline import Pipeline
from pipelines.run import SUSPECT_AFTER, AttemptOutcome, Direction, Priority, Run, RunState, StoredResult
from pipelines.transaction import ReadSession, Transaction

MOST_SHAKEN = 32  # runs in one process, with each of which a process has died once

# The words of an index are its own, as text: with bound values in them it is not used.
_IS_DUE = and_(runs.c.due_at <= now_and("skew"), runs.c.crashes < bindparam("fewer_crashes"))
_CLAIMABLE = and_(text(CLAIMABLE), _IS_DUE)
_OF_PRIORITY = and_(_CLAIMABLE, runs.c.priority == bindparam("of_priority"))
KNOWN = tuple_(runs.c.pipeline, runs.c.version).in_(bindparam("known", expanding=True))

# A run that goes back never goes forward again: it is `undoing` whoever holds it, and so is one whose end is decided.
_GOES_BACK = or_(runs.c.state == RunState.UNDOING, runs.c.ending.is_not(None))
_IS_JUDGED = runs.c.state == RunState.QUARANTINED  # only its record is still to be told
_TURNS = and_(runs.c.state.not_in((RunState.UNDOING, RunState.QUARANTINED)), runs.c.ending.is_not(None))
FREED = {
    "owner": null(),
    "fence": runs.c.fence + 1,
    "solo": false(),
    "state": case((_IS_JUDGED, RunState.QUARANTINED), (_GOES_BACK, RunState.UNDOING), else_=RunState.READY),
    "attempt": case((_TURNS, 0), else_=runs.c.attempt),  # its undos have a budget of their own
    "errors": case((_TURNS, 0), else_=runs.c.errors),
}

TAKEN = {
    "owner": bindparam("me"),
    "fence": runs.c.fence + 1,
    "state": case((_IS_JUDGED, RunState.QUARANTINED), (_GOES_BACK, RunState.UNDOING), else_=RunState.RUNNING),
}

_ahead = runs.alias("ahead")
IS_ITS_TURN = or_(
    _IS_JUDGED,  # it has left its line
    runs.c.serial.is_(None),
    ~exists().where(
        text(AHEAD_IN_LINE),
        _ahead.c.pipeline == runs.c.pipeline,
        _ahead.c.serial == runs.c.serial,
        _ahead.c.serial_place < runs.c.serial_place,
    ),
)

# Without MATERIALIZED the planner may run the locking SELECT again, and lock more rows than the limit.
_OLDEST_DUE = (
    select(runs.c.id)
    .where(_OF_PRIORITY, KNOWN, IS_ITS_TURN)
    .order_by(runs.c.due_at, runs.c.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True, key_share=True)
    .cte("oldest_due")
    .prefix_with("MATERIALIZED", dialect="postgresql")
)
_CLAIM = update(runs).where(runs.c.id.in_(select(_OLDEST_DUE.c.id))).values(TAKEN).returning(*runs.c)

# Written so that no index of theirs fits: through that of the claimable a planner would read all that wait for a few.
_CLAIMABLE_BY_KEY = text(CLAIMABLE.replace("state", "(state || '')"))
_THOSE_NAMED = (
    select(runs.c.id)
    .where(runs.c.id.in_(bindparam("named", expanding=True)), _CLAIMABLE_BY_KEY, _IS_DUE, KNOWN, IS_ITS_TURN)
    .order_by(runs.c.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True, key_share=True)
    .cte("those_named")
    .prefix_with("MATERIALIZED", dialect="postgresql")
)
_CLAIM_THESE = update(runs).where(runs.c.id.in_(select(_THOSE_NAMED.c.id))).values(TAKEN).returning(*runs.c)

_IS_ANY_DUE = select(runs.c.id).where(_OF_PRIORITY, KNOWN, IS_ITS_TURN).limit(1)
_OURS_AGAIN = select(runs).where(
    runs.c.id == bindparam("of"), runs.c.owner == bindparam("me"), runs.c.fence == bindparam("under")
)
_CANCELLED_UNDER_US = select(runs.c.id).where(
    runs.c.owner == bindparam("me"), runs.c.state == RunState.RUNNING, runs.c.ending.is_not(None)
)
_DONE_AND_UNDONE = (
    select(
        attempts.c.run_id,
        attempts.c.generation,
        attempts.c.step,
        attempts.c.kind,
        attempts.c.number,
        attempts.c.outcome,
        attempts.c.result,
        attempts.c.version,
    )
    .where(
        attempts.c.run_id.in_(bindparam("of", expanding=True)),
        or_(attempts.c.outcome == AttemptOutcome.SUCCESS, attempts.c.kind == Direction.UNDO),
    )
    .order_by(attempts.c.generation, attempts.c.kind, attempts.c.number)
)
_GIVE_BACK = update(runs).where(runs.c.owner == bindparam("me")).values(FREED | {"due_at": now_and("skew")})
_GIVE_BACK_ONE = _GIVE_BACK.where(runs.c.id == bindparam("of"), runs.c.fence == bindparam("under"))

Known = Mapping[tuple[str, str], Pipeline[Any]]


def claim(tx: Transaction, known: Known, most: int, shaken: int = MOST_SHAKEN) -> list[Run]:
    """Take at most so many runs that are due; only those whose pipeline and version are known here.

    Each priority has a look of its own, oldest first: one look at all of them would read every run that waits. Of
    those with which a process has died once, at most `shaken` are taken; suspects are taken elsewhere.
    """
    bound = {"known": list(known), "me": tx.home.process_id, "skew": seconds(tx.home.clock.skew_seconds)}
    rows: list[RowMapping] = []
    for priority in Priority:
        still_shaken = max(0, shaken - sum(row["crashes"] for row in rows))
        rows += _take(tx, _CLAIM, bound | {"of_priority": priority}, most - len(rows), still_shaken)
    return with_results(tx, rows)


def claim_these(tx: Transaction, known: Known, named: Collection[UUID], shaken: int = MOST_SHAKEN) -> list[Run]:
    """Take those of these runs that a claim could take now; whatever is wrong with one, it is left alone."""
    bound = {"known": list(known), "me": tx.home.process_id, "skew": seconds(tx.home.clock.skew_seconds)}
    return with_results(tx, _take(tx, _CLAIM_THESE, bound | {"named": list(named)}, len(named), shaken))


def _take(tx: Transaction, claim: Update, bound: dict[str, Any], most: int, shaken: int) -> list[RowMapping]:
    """As many as may be shaken are taken whatever they are; only if there were so many, the rest are looked at."""
    found: list[RowMapping] = []
    few = min(most, shaken)
    if few > 0:
        found += tx.execute(claim, bound | {"fewer_crashes": SUSPECT_AFTER, "most": few}).mappings().all()
    if len(found) == few < most:
        found += tx.execute(claim, bound | {"fewer_crashes": 1, "most": most - few}).mappings().all()
    return found


def is_any_due(session: ReadSession, known: Known, skew_seconds: float) -> bool:
    """Whether a claim would find something; asked before a claim, which costs a COMMIT."""
    bound = {"known": list(known), "skew": seconds(skew_seconds), "fewer_crashes": SUSPECT_AFTER}
    return any(session.execute(_IS_ANY_DUE, bound | {"of_priority": each}).first() is not None for each in Priority)


def ours_again(tx: Transaction, run: Run) -> Run | None:
    """The run as the journal has it, if it is still ours."""
    rows = tx.execute(_OURS_AGAIN, {"of": run.id, "me": tx.home.process_id, "under": run.fence}).mappings().all()
    return next(iter(with_results(tx, rows)), None)


def cancelled_under_us(session: ReadSession, me: UUID) -> Collection[UUID]:
    """Runs of this process that somebody, perhaps another process, has asked to cancel."""
    return session.execute(_CANCELLED_UNDER_US, {"me": me}).scalars().all()


def give_back(tx: Transaction) -> None:
    """Free all runs of this process, as they stand: no attempt is burned, and it is no crash."""
    tx.execute(_GIVE_BACK, {"me": tx.home.process_id, "skew": seconds(tx.home.clock.skew_seconds)})


def give_back_one(tx: Transaction, run: Run) -> None:
    """Free this run between two steps."""
    bound = {"me": tx.home.process_id, "skew": seconds(tx.home.clock.skew_seconds), "of": run.id, "under": run.fence}
    tx.execute(_GIVE_BACK_ONE, bound)


def with_results(tx: Transaction, rows: Sequence[RowMapping]) -> list[Run]:
    """The runs, each with what its earlier steps returned: as it is stored, for one that cannot be read fails alone."""
    if not rows:
        return []
    past = {row["id"]: _Past(row["generation"]) for row in rows}
    for attempt in tx.execute(_DONE_AND_UNDONE, {"of": list(past)}):
        past[attempt.run_id].add(attempt)
    return [Run(**{name: row[name] for name in _RUN_FIELDS}, **past[row["id"]].known()) for row in rows]


class _Past:
    """What of a run is done, and what is undone again, read in the order of its generations."""

    def __init__(self, generation: int) -> None:
        self._generation = generation
        self._results: dict[str, Any] = {}
        self._undone: set[str] = set()
        self._undo_tries: dict[str, int] = {}

    def add(self, attempt: Row[Any]) -> None:
        if attempt.kind is Direction.DO:
            self._results[attempt.step] = StoredResult(attempt.result, attempt.version)
            return
        is_undone, is_of_now = attempt.outcome is AttemptOutcome.SUCCESS, attempt.generation == self._generation
        if is_undone:
            self._results.pop(attempt.step, None)
        if is_undone and is_of_now:
            self._undone.add(attempt.step)
        if is_of_now:
            self._undo_tries[attempt.step] = attempt.number

    def known(self) -> dict[str, Any]:
        return {"results": self._results, "undone": frozenset(self._undone), "undo_tries": self._undo_tries}


_RUN_FIELDS = (
    "id",
    "pipeline",
    "version",
    "payload",
    "state",
    "step",
    "fence",
    "created_at",
    "step_since",
    "generation",
    "attempt",
    "errors",
    "crashes",
    "solo",
    "tries",
    "serial",
    "deadline_at",
    "traceparent",
    "ending",
    "reason",
    "undo_failure",
)
