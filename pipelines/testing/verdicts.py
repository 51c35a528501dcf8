"""What a crash must not change, and how it is said when it did."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipelines.journal.browsing import RunRecord
from pipelines.run import AttemptOutcome
from pipelines.testing.contents import Contents
from pipelines.testing.mortality import Point
from pipelines.testing.overhearing import OutsideCall

_NOT_THE_LAST_TRY = {AttemptOutcome.RETRY, AttemptOutcome.THROTTLED}
MOST_TOLD = 3


@dataclass(frozen=True)
class Story:
    """What has happened in one life, or in one that was broken off and carried on."""

    runs: Sequence[RunRecord]
    calls: Sequence[OutsideCall]
    holds: object
    stuck: str | None = None
    objection: str | None = None  # what the user's own check found

    @property
    def endings(self) -> list[str]:
        return [str(run.state) for run in self.runs]

    @property
    def way(self) -> list[str]:
        """What was done and undone in which order; how often each was tried is not told."""
        return [
            f"{each.direction} {each.step}: {each.outcome}"
            for run in self.runs
            for each in run.attempts
            if each.outcome not in _NOT_THE_LAST_TRY
        ]

    def effects(self, reads: frozenset[str]) -> Counter[str]:
        """How many effects each kind of call has for a receiver that remembers keys."""
        told = [call for call in self.calls if call.what not in reads]
        known = {call for call in told if call.key is not None}
        return Counter(_said(call) for call in [*known, *(call for call in told if call.key is None)])

    def order(self, reads: frozenset[str]) -> list[str]:
        """In which order the outside heard of them first."""
        return list(dict.fromkeys(_said(call) for call in self.calls if call.what not in reads))


@dataclass(frozen=True)
class Promise:
    """Something that a crash must not change: how it is seen in a story, and what to do when it is broken."""

    words: str
    seen: Callable[[Story, frozenset[str]], Any]
    mend: str


PROMISES = (
    Promise(
        "there is one run, and it has one end, the same as without a crash",
        lambda story, _: story.endings if story.stuck is None else [*story.endings, story.stuck],
        "Let a step's outcome depend on its input, on earlier results and on the database, not on how often it ran.",
    ),
    Promise(
        "steps are done, and undone, once each and in their order",
        lambda story, _: story.way,
        "An undo works by key, needs no result, and succeeds when the effect never happened.",
    ),
    Promise(
        "the effects on the database happen exactly once",
        lambda story, _: story.holds,
        "Write through the `Transaction` that the step asks for (a plain `def`), or through `then=` of an action step: "
        "what a step writes over a connection of its own, or in the memory of a process, is there without its attempt.",
    ),
    Promise(
        "an effect outside happens under one key, however often it is asked for",
        lambda story, reads: dict(sorted(story.effects(reads).items())),
        "Ask for `step: StepContext` and send `step.idempotency_key`: it is the same for every attempt, and another "
        "for the undo. No key may be made of the attempt, the time or the dice. If the call only asks, name it in "
        "`reads=`.",
    ),
    Promise(
        "the outside hears of the steps in their order",
        lambda story, reads: story.order(reads),
        "Call the outside from the step that is about it, and await each call before the next.",
    ),
    Promise(
        "what `check` asserts holds",
        lambda story, _: story.objection,
        "Your own assertion failed after the crash and holds without it.",
    ),
)


@dataclass(frozen=True)
class Broken:
    """A promise that did not survive a death."""

    promise: str
    expected: str
    found: str
    mend: str

    def __str__(self) -> str:
        return (
            f"  Promised: {self.promise}.\n"
            f"  Without a crash: {self.expected}\n"
            f"  Here:            {self.found}\n"
            f"  To mend it: {self.mend}"
        )


@dataclass
class Verdict:
    """What became of the promises at each point."""

    pipeline: str
    broken: dict[Point, list[Broken]] = field(default_factory=dict)

    def judge(self, point: Point, expected: Story, found: Story, reads: frozenset[str]) -> None:
        broken = []
        for promise in PROMISES:
            wanted, seen = promise.seen(expected, reads), promise.seen(found, reads)
            if wanted != seen:
                broken.append(Broken(promise.words, *_told(wanted, seen), promise.mend))
        if broken:
            self.broken[point] = broken

    def told(self, deaths: int) -> str:
        """The first deaths in full, the others by name."""
        lines = [f"{self.pipeline} does not survive {len(self.broken)} of {deaths} deaths."]
        for number, (point, broken) in enumerate(self.broken.items(), start=1):
            lines.append(f"\n{number}. It died {point}.")
            if number <= MOST_TOLD:
                lines += [str(each) for each in broken]
        return "\n".join(lines)


def _said(call: OutsideCall) -> str:
    return f"{call.what} in {call.step}"


def _told(wanted: object, seen: object) -> tuple[str, str]:
    if isinstance(wanted, Contents) and isinstance(seen, Contents):
        return "; ".join(wanted.told_against(seen)), "; ".join(seen.told_against(wanted))
    return str(wanted), str(seen)
