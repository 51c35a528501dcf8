"""Dead letters by what they died of: one cause is one group, however many runs it has met."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from orders_service.operations.causes import LEFT_OUT, cause_of, first_line, fixed_parts
from orders_service.operations.schemas import LONGEST_ERROR
from orders_service.strict_json import has_control_characters
from pipelines import DeadLetter, DeadLetters, RunState

MOST_GROUPS = 100

_Place: TypeAlias = tuple[str, str]  # pipeline and step
_Key: TypeAlias = tuple[str, str, str]  # and cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """What died at one step of one cause.

    `phrase` finds these runs among those that stopped at the step, and `others` more, of those that were looked at.
    """

    pipeline: str
    step: str
    cause: str
    states: tuple[RunState, ...]
    count: int
    is_more: bool
    oldest: datetime
    newest: datetime
    sample: DeadLetter
    phrase: str | None
    others: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """The largest groups. Of `total` dead letters `looked_at` were; `left_out` groups are too small to be shown."""

    shown: tuple[Group, ...]
    total: int
    looked_at: int
    left_out: int

    @property
    def is_whole(self) -> bool:
        return self.looked_at >= self.total


def grouped(found: DeadLetters, *, most: int = MOST_GROUPS) -> Groups:
    """One cause is one group, largest first."""
    members: defaultdict[_Key, list[DeadLetter]] = defaultdict(list)
    known: dict[str | None, str] = {}
    for letter in found.read:
        if letter.reason not in known:
            known[letter.reason] = cause_of(letter.reason)
        members[letter.pipeline, letter.step, known[letter.reason]].append(letter)
    at: defaultdict[_Place, dict[str, int]] = defaultdict(dict)
    for (pipeline, step, cause), letters in members.items():
        at[pipeline, step][cause] = len(letters)
    cut = _cut(found)
    largest = sorted(members.items(), key=lambda each: (-len(each[1]), each[0]))
    groups = (_group(key, letters, at[key[:2]], is_more=key[0] in cut) for key, letters in largest[:most])
    return Groups(
        shown=tuple(groups),
        total=found.total,
        looked_at=len(found.read),
        left_out=max(0, len(largest) - most),
    )


def _cut(found: DeadLetters) -> set[str]:
    """Pipelines of which some were not read, so that their groups may be larger."""
    read = Counter((letter.pipeline, letter.state) for letter in found.read)
    return {pipeline for (pipeline, state), count in found.counts.items() if read[pipeline, state] < count}


def _group(key: _Key, letters: list[DeadLetter], beside: Mapping[str, int], *, is_more: bool) -> Group:
    pipeline, step, cause = key
    died = [letter.finished_at or letter.created_at for letter in letters]
    phrase, others = _phrase(cause, {letter.reason for letter in letters}, beside)
    return Group(
        pipeline=pipeline,
        step=step,
        cause=cause.replace(LEFT_OUT, "…"),
        states=tuple(sorted({letter.state for letter in letters})),
        count=len(letters),
        is_more=is_more,
        oldest=min(died),
        newest=max(died),
        sample=letters[0],
        phrase=phrase,
        others=others,
    )


def _phrase(cause: str, reasons: Iterable[str | None], beside: Mapping[str, int]) -> tuple[str | None, int]:
    """What they have said word for word and fewest others have."""
    lines = {first_line(reason) for reason in reasons}
    candidates = list(lines) if len(lines) == 1 else []
    if not candidates or not candidates[0] or has_control_characters(candidates[0]):
        candidates = fixed_parts(cause)
    rated = [(_said_elsewhere(part, cause, beside), part) for part in (each[:LONGEST_ERROR] for each in candidates)]
    if not rated:
        return None, _said_elsewhere("", cause, beside)
    others, phrase = min(rated, key=lambda each: each[0])
    return phrase, others


def _said_elsewhere(part: str, cause: str, beside: Mapping[str, int]) -> int:
    """In how many that died here of something else."""
    return sum(count for other, count in beside.items() if other != cause and part in other)
