"""What those who watch a run are told, and how they say later where they stopped listening."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from zlib import crc32

from pipelines.journal.sighting import NOTHING_YET, Sighting
from pipelines.run import Attempt, Progress, RunState


@dataclass(frozen=True, slots=True)
class AttemptMade:
    """One try at one step, or at its undo, is on disk. Its result is not told."""

    id: str
    attempt: Attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStands:
    """Where the run stands, and how far its step has come. What came between two of these is told by the attempts."""

    id: str
    state: RunState
    step: str
    progress: Progress | None
    reason: str | None
    due_at: datetime | None
    finished_at: datetime | None


RunNews: TypeAlias = AttemptMade | RunStands


@dataclass(frozen=True, slots=True)
class Mark:
    """How much of a run was told: attempts up to a place, and the standing that was told last."""

    place: int = NOTHING_YET
    standing: str = ""

    @classmethod
    def read(cls, news_id: str | None) -> "Mark":
        """An id that is none of ours tells of nothing that is known: everything is told."""
        place, _, standing = (news_id or "").partition(".")
        is_ours = place.isascii() and place.isdigit() and len(place) < 10  # noqa: PLR2004 - an integer of the database
        return cls(int(place), standing) if is_ours else cls()

    def __str__(self) -> str:
        return f"{max(self.place, 0)}.{self.standing}"


def news_since(seen: Sighting, news_id: str | None) -> Iterator[RunNews]:
    """Attempts in their order, each once; then where the run stands, if that was not told before."""
    mark = Mark.read(news_id)
    for attempt in seen.attempts:
        if attempt.place > mark.place:
            mark = Mark(attempt.place, mark.standing)
            yield AttemptMade(str(mark), attempt)
    if mark.standing != (standing := _digest(seen)):
        yield RunStands(
            id=str(Mark(mark.place, standing)),
            state=seen.state,
            step=seen.step,
            progress=seen.progress,
            reason=seen.reason,
            due_at=_due(seen),
            finished_at=seen.finished_at,
        )


def has_told_the_end(seen: Sighting, news_id: str | None) -> bool:
    """Whether the run has ended, and whoever stopped at this news knows."""
    return seen.state.is_terminal and next(news_since(seen, news_id), None) is None


def _digest(seen: Sighting) -> str:
    said = (seen.state, seen.step, seen.progress, seen.reason, _due(seen))
    return f"{seen.state}.{crc32(repr(said).encode(errors='replace')):08x}"


def _due(seen: Sighting) -> datetime | None:
    return seen.due_at if seen.state is RunState.WAITING else None
