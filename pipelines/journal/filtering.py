"""Which runs an action on many is about: a filter, how many it means, and one slice of them after another."""

from collections.abc import Collection, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select, text, union_all

from pipelines.journal.tables import CLAIMABLE, DEAD_LETTER, OWNED, runs
from pipelines.run import DEAD_LETTERS, RunState
from pipelines.transaction import ReadSession, Transaction

SLICE = 500
MOST_COUNTED = 10_000
SAMPLE = 10

# In the words of the partial indexes, or history is read to find the few that are meant.
_IS_DEAD_LETTER = text(DEAD_LETTER)
# Open runs are in two of those, and SQLite does not see that through an OR.
_open = runs.alias("open_runs")
_IS_OPEN = runs.c.id.in_(union_all(*(select(_open.c.id).where(text(words)) for words in (OWNED, CLAIMABLE))))
FOUND = (
    runs.c.id,
    runs.c.pipeline,
    runs.c.version,
    runs.c.state,
    runs.c.step,
    runs.c.errors,
    runs.c.reason,
    runs.c.due_at,
    runs.c.created_at,
    runs.c.finished_at,
)


@dataclass(frozen=True, kw_only=True)
class RunFilter:
    """All that is said must hold; what is left out is not asked. `error` is found anywhere in the reason.

    `except_pipeline` is left in peace, whatever else is asked for.
    """

    pipeline: str | None = None
    states: Collection[RunState] = ()
    step: str | None = None
    version: str | None = None
    error: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    except_pipeline: str | None = None

    def said(self) -> dict[str, Any]:
        """What was asked for, as it is written down."""
        given = {name: value for name, value in asdict(self).items() if value}
        return {name: value if name == "states" else str(value) for name, value in given.items()} | (
            {"states": sorted(self.states)} if self.states else {}
        )


@dataclass(frozen=True, slots=True)
class FoundRun:
    """One of the runs that a filter means. `errors` are those of its step; `last_error` is told of what is listed."""

    id: UUID
    pipeline: str
    version: str
    state: RunState
    step: str
    errors: int
    reason: str | None
    due_at: datetime
    created_at: datetime
    finished_at: datetime | None
    last_error: str | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """How many runs a filter means, counted to ten thousand, and the first of them."""

    count: int
    sample: tuple[FoundRun, ...]

    @property
    def count_in_words(self) -> str:
        return f"{MOST_COUNTED:,}+" if self.count > MOST_COUNTED else f"{self.count:,}"


def preview(session: ReadSession, chosen: RunFilter, states: Collection[RunState]) -> Preview:
    """What an action would be about that concerns runs in these states only."""
    matching = _matching(chosen, states).limit(MOST_COUNTED + 1).subquery()
    count = session.execute(select(func.count()).select_from(matching)).scalar_one()
    rows = session.execute(_matching(chosen, states).order_by(runs.c.id).limit(SAMPLE))
    return Preview(count, tuple(FoundRun(*row) for row in rows))


def slice_after(
    tx: Transaction, chosen: RunFilter, states: Collection[RunState], last: UUID | None, most: int
) -> list[UUID]:
    """The next runs that match, by id: whoever goes on behind the last of them meets each run once."""
    statement = _matching(chosen, states).order_by(runs.c.id).limit(most)
    if last is not None:
        statement = statement.where(runs.c.id > last)
    return [row.id for row in tx.execute(statement)]


def _matching(chosen: RunFilter, states: Collection[RunState]) -> Select[Any]:
    wanted = set(states) & set(chosen.states or states)
    return select(*FOUND).where(_held_by_an_index(wanted), runs.c.state.in_(sorted(wanted)), *conditions(chosen))


def _held_by_an_index(wanted: AbstractSet[RunState]) -> Any:
    """The same in words that keep all but dead letters, or all but open runs, from being read."""
    return _IS_DEAD_LETTER if wanted <= set(DEAD_LETTERS) else _IS_OPEN


def conditions(chosen: RunFilter) -> Iterator[ColumnElement[bool]]:
    """What it asks for, but for the states."""
    for name in ("pipeline", "step", "version"):
        if (wanted := getattr(chosen, name)) is not None:
            yield runs.c[name] == wanted
    if chosen.except_pipeline is not None:
        yield runs.c.pipeline != chosen.except_pipeline
    if chosen.error is not None:
        yield runs.c.reason.contains(chosen.error, autoescape=True)
    if chosen.created_after is not None:
        yield runs.c.created_at >= chosen.created_after
    if chosen.created_before is not None:
        yield runs.c.created_at < chosen.created_before
