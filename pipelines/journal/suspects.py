"""Runs that processes die with: each is taken alone, and one that kills its process time and again is quarantined.

A quarantined run has no `finished_at` until a process that knows its pipeline has told its record; it is a suspect
until then, since reading its input may be what kills.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, and_, bindparam, select, text, update

from pipelines.errors import Fenced
from pipelines.journal.claiming import IS_ITS_TURN, KNOWN, TAKEN, Known, with_results
from pipelines.journal.dialects import now_and, seconds
from pipelines.journal.tables import SUSPECT, runs
from pipelines.run import QUARANTINED_AFTER, Run, RunState
from pipelines.transaction import ReadSession, Transaction

GIVEN_UP_AFTER = 2 * QUARANTINED_AFTER  # deaths: as many again as it took, while its record was being told

_IS_DUE = and_(text(SUSPECT), runs.c.due_at <= now_and("skew"), KNOWN, IS_ITS_TURN)
_OLDEST = (
    select(runs.c.id)
    .where(_IS_DUE)
    .order_by(runs.c.due_at, runs.c.id)
    .limit(1)
    .with_for_update(skip_locked=True, key_share=True)
    .cte("oldest")
    .prefix_with("MATERIALIZED", dialect="postgresql")
)
_CLAIM = update(runs).where(runs.c.id.in_(select(_OLDEST.c.id))).values(TAKEN).returning(*runs.c)
_IS_ANY_DUE = select(runs.c.id).where(_IS_DUE).limit(1)

_SET_SOLO = (
    update(runs)
    .where(runs.c.id == bindparam("of"), runs.c.owner == bindparam("mine"), runs.c.fence == bindparam("under"))
    .values(solo=bindparam("is_solo"))
)

_ALONE = select(
    runs.c.id,
    runs.c.owner,
    runs.c.state,
    runs.c.step,
    runs.c.payload,
    runs.c.ending,
    runs.c.reason,
    runs.c.undo_failure,
    runs.c.solo_deaths,
).where(runs.c.owner.in_(bindparam("dead", expanding=True)), runs.c.solo)

# Its owner and its fence are gone already: these follow the statement that frees it.
_QUARANTINE = (
    update(runs)
    .where(runs.c.id == bindparam("of"))
    .values(
        state=RunState.QUARANTINED,
        ending=bindparam("ends"),
        reason=bindparam("because"),
        undo_failure=bindparam("owed"),
        due_at=now_and("skew"),
    )
)
_LEAVE_UNTOLD = (
    update(runs)
    .where(runs.c.id == bindparam("of"))
    .values(finished_at=bindparam("since"), reason=bindparam("because"), undo_failure=bindparam("owed"))
)


def claim_one(tx: Transaction, known: Known) -> Run | None:
    """Take the suspect that has been due for longest."""
    bound = {"known": list(known), "me": tx.home.process_id, "skew": seconds(tx.home.clock.skew_seconds)}
    return next(iter(with_results(tx, tx.execute(_CLAIM, bound).mappings().all())), None)


def is_any_due(session: ReadSession, known: Known, skew_seconds: float) -> bool:
    """Whether `claim_one` would find something."""
    bound = {"known": list(known), "skew": seconds(skew_seconds)}
    return session.execute(_IS_ANY_DUE, bound).first() is not None


def set_solo(tx: Transaction, run: Run, *, is_solo: bool) -> None:
    """Say whether the death of its process from here on is this run's alone."""
    ours = {"of": run.id, "mine": tx.home.process_id, "under": run.fence}
    tx.defer(_SET_SOLO, ours | {"is_solo": is_solo}, otherwise=Fenced(f"run {run.id} belongs to somebody else"))


def alone_with(tx: Transaction, dead: Sequence[Any]) -> Sequence[Row[Any]]:
    """The runs that were alone in these processes when they died."""
    return tx.execute(_ALONE, {"dead": dead}).all()


def judge(tx: Transaction, suspect: Row[Any], last_death: str) -> bool:
    """Whether this death, counted already, is one too many: then the run is quarantined."""
    deaths = suspect.solo_deaths + 1
    if suspect.state == RunState.QUARANTINED:
        if deaths >= GIVEN_UP_AFTER:
            given_up = _said_more(suspect, "telling its record was given up, for that kills processes too")
            tx.execute(_LEAVE_UNTOLD, given_up | {"of": suspect.id, "since": tx.home.clock.now()})
        return False
    if deaths < QUARANTINED_AFTER:
        return False
    verdict = _said_more(suspect, _what_it_did(suspect, deaths, last_death))
    verdict["ends"] = suspect.ending or RunState.QUARANTINED
    tx.execute(_QUARANTINE, verdict | {"of": suspect.id, "skew": seconds(tx.home.clock.skew_seconds)})
    return True


def _said_more(suspect: Row[Any], what: str) -> dict[str, Any]:
    """Of a run that was going back it is also said that something is left undone: it cannot go forward before."""
    goes_back = suspect.ending not in {None, RunState.QUARANTINED}
    owed = f"{suspect.undo_failure or ''}; {what}" if goes_back else None
    return {"because": f"{suspect.reason}; {what}" if suspect.reason else what, "owed": owed}


def _what_it_did(suspect: Row[Any], deaths: int, last_death: str) -> str:
    step = f"undoing {suspect.step}" if suspect.state == RunState.UNDOING else f"step {suspect.step}"
    input_hash = hashlib.sha256(suspect.payload.encode()).hexdigest()[:12]
    return f"{step} killed {deaths} processes in which it was alone; input {input_hash}; last death: {last_death}"
