"""What has died and why: counted in full, and read as far as a page can show, each kind its fair share."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, func, select, text

from pipelines.journal.tables import DEAD_LETTER, runs
from pipelines.run import RunState
from pipelines.transaction import ReadSession

MOST_READ = 3_000
LONGEST_REASON = 400  # of one that was told in several parts the first says enough to know it again

_COUNT = (
    select(runs.c.pipeline, runs.c.state, func.count()).where(text(DEAD_LETTER)).group_by(runs.c.pipeline, runs.c.state)
)
_NEWEST = (
    select(
        runs.c.id,
        runs.c.pipeline,
        runs.c.state,
        runs.c.step,
        func.substr(runs.c.reason, 1, LONGEST_REASON).label("reason"),
        runs.c.created_at,
        runs.c.finished_at,
    )
    .where(text(DEAD_LETTER), runs.c.pipeline == bindparam("of"), runs.c.state == bindparam("that"))
    .order_by(runs.c.id.desc())
    .limit(bindparam("most"))
)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A run that failed or is quarantined, with the beginning of its reason."""

    id: UUID
    pipeline: str
    state: RunState
    step: str
    reason: str | None
    created_at: datetime
    finished_at: datetime | None  # of one in quarantine: when its record was told


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """How many there are of each pipeline and state, and the newest of them."""

    counts: Mapping[tuple[str, RunState], int]
    read: tuple[DeadLetter, ...]

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def is_whole(self) -> bool:
        return len(self.read) >= self.total


def dead_letters(session: ReadSession, *, of: str | None = None, most: int = MOST_READ) -> DeadLetters:
    """At most so many, newest first, of one pipeline or of all: one with very many hides none of another with few."""
    rows = session.execute(_COUNT)
    counts = {(pipeline, state): count for pipeline, state, count in rows if of in (None, pipeline)}
    read = [
        DeadLetter(*row)
        for (pipeline, state), share in _shares(counts, most)
        for row in session.execute(_NEWEST, {"of": pipeline, "that": state, "most": share})
    ]
    return DeadLetters(counts, tuple(sorted(read, key=lambda letter: letter.id, reverse=True)))


def _shares(counts: Mapping[tuple[str, RunState], int], most: int) -> Iterator[tuple[tuple[str, RunState], int]]:
    """From few to many: what the small ones leave is for those that are still to come."""
    by_size = sorted(counts.items(), key=lambda each: each[1])
    for place, (kind, count) in enumerate(by_size):
        share = min(count, most // (len(by_size) - place))
        most -= share
        if share:
            yield kind, share
