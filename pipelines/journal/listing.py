"""Runs in a list, newest first: a page of fifty is found without reading a history of a million."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import ColumnElement, Select, bindparam, select, text, union_all

from pipelines.journal.filtering import FOUND, FoundRun, RunFilter, conditions
from pipelines.journal.starting import first_id_of
from pipelines.journal.tables import CLAIMABLE, DEAD_LETTER, ENDED, OWNED, TURNED_BACK, attempts, runs
from pipelines.run import DEAD_LETTERS, OPEN, TERMINAL, RunState
from pipelines.transaction import ReadSession

Bound: TypeAlias = Callable[[ColumnElement[UUID]], ColumnElement[bool]]

CLOCKS_DIFFER_BY_SECONDS = 60.0

# Each in the words of an index of its own, of so few rows that they can be sorted.
_FEW = ((OPEN, OWNED), (OPEN, CLAIMABLE), (frozenset(DEAD_LETTERS), DEAD_LETTER))
_TURNED_BACK = frozenset({RunState.REJECTED, RunState.CANCELLED})
_ALL = frozenset(RunState)
_ERRORS = (
    select(attempts.c.run_id, attempts.c.error)
    .where(attempts.c.run_id.in_(bindparam("of", expanding=True)), attempts.c.error.is_not(None))
    .order_by(attempts.c.place)
)


def list_runs(
    session: ReadSession, chosen: RunFilter, *, most: int, before: UUID | None = None, skew_seconds: float = 0.0
) -> list[FoundRun]:
    """The newest runs that match, and were started before this one; what waits to be tried again says why.

    A run that has completed stands at no step and has no error, so a filter that names one finds none of those.
    """
    if not wanted_states(chosen):
        return []
    rows = session.execute(statement(chosen, most=most, before=before, skew_seconds=skew_seconds))
    found = [FoundRun(*row) for row in rows]
    tried = [run.id for run in found if run.errors and not run.state.is_terminal]
    errors = {row.run_id: row.error for row in session.execute(_ERRORS, {"of": tried})} if tried else {}
    return [replace(run, last_error=errors.get(run.id)) for run in found]


def statement(chosen: RunFilter, *, most: int, before: UUID | None, skew_seconds: float) -> Select[Any]:
    """A page of each index that holds some of what is asked for, and of these together the newest."""
    within = list(_bounds(chosen, before, skew_seconds))
    pages = [_newest(each, most) for each in _selections(chosen, within)]
    if len(pages) == 1:
        return pages[0]
    together = union_all(*(select(page.subquery()) for page in pages)).subquery()
    return _newest(select(together), most)


def _newest(selection: Select[Any], most: int) -> Select[Any]:
    return selection.order_by(selection.selected_columns.id.desc()).limit(most)


def wanted_states(chosen: RunFilter) -> frozenset[RunState]:
    """Those in which a run can match: to look for it in others would be to read all of history."""
    states = frozenset(chosen.states or RunState)
    return states if chosen.step is None and chosen.error is None else states - {RunState.COMPLETED}


def _selections(chosen: RunFilter, within: Sequence[Bound]) -> Iterator[Select[Any]]:
    wanted, asked = wanted_states(chosen), list(conditions(chosen))
    whole = select(*FOUND).where(*asked, *(bound(runs.c.id) for bound in within))
    if RunState.COMPLETED in wanted:  # that is most of history: soon found on the way through all, or a pipeline's
        if chosen.pipeline is None:
            yield whole.where(*(() if wanted == _ALL else [_one_of(wanted)]))
            return
        yield whole.where(text(ENDED), *(() if wanted >= TERMINAL else [_one_of(wanted & TERMINAL)]))
        wanted &= OPEN
    for states, words in _FEW:
        if some := wanted & states:
            # Found before it is put in order: by itself a database would walk through history, which is in order.
            found = select(*FOUND).where(text(words), *asked, _one_of(some)).offset(0).subquery()
            yield select(found).where(*(bound(found.c.id) for bound in within))
    for state in sorted(wanted & _TURNED_BACK):
        yield whole.where(text(TURNED_BACK), runs.c.state == state)


def _one_of(states: Collection[RunState]) -> ColumnElement[bool]:
    return runs.c.state.in_(sorted(states))


def _bounds(chosen: RunFilter, before: UUID | None, skew_seconds: float) -> Iterator[Bound]:
    """Ids begin with the time, so that what was started long before or after need not be read."""
    if before is not None:
        yield lambda run_id: run_id < before
    if (after := chosen.created_after) is not None:
        first = first_id_of(after, earlier_by=CLOCKS_DIFFER_BY_SECONDS + max(0.0, skew_seconds))
        yield lambda run_id: run_id >= first
    if (until := chosen.created_before) is not None:
        last = first_id_of(until, earlier_by=-CLOCKS_DIFFER_BY_SECONDS)
        yield lambda run_id: run_id < last
