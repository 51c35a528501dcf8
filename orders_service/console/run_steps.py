"""The steps of a run in their order, each with where it stands: what a person looks at first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pipelines import Attempt, AttemptOutcome, Pipeline, RunRecord, RunState

MOST_SHOWN = 5  # attempts of one step; the table has more

_UNDO = "undo"


class Standing(NamedTuple):
    """A word for people, and a mark for the sheet: `done busy wait back bad warn open`."""

    word: str
    mark: str


_DONE, _UNDONE = Standing("done", "done"), Standing("undone", "back")
_HERE = {
    RunState.READY: Standing("ready", "wait"),
    RunState.RUNNING: Standing("running", "busy"),
    RunState.WAITING: Standing("waiting", "wait"),
    RunState.UNDOING: Standing("being undone", "back"),
}
_STOPPED = {
    AttemptOutcome.SUCCESS: _DONE,
    AttemptOutcome.REJECTED: Standing("rejected", "warn"),
    AttemptOutcome.CANCELLED: Standing("cancelled", "warn"),
    AttemptOutcome.RETRY: Standing("given up", "warn"),
    AttemptOutcome.THROTTLED: Standing("given up", "warn"),
    AttemptOutcome.FAILED: Standing("failed", "bad"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownStep:
    """One step. While the run is at it, `attempt` is the one that is made or comes next."""

    name: str
    kind: str | None
    standing: Standing
    attempts: tuple[Attempt, ...]
    earlier: int
    attempt: int | None = None
    most_attempts: int | None = None
    due_at: datetime | None = None

    @property
    def took(self) -> timedelta:
        """What those of its attempts that are shown have lasted, without the waits between them."""
        return sum((each.took for each in self.attempts), timedelta())


def names_of_steps(run: RunRecord, pipeline: Pipeline[Any] | None) -> list[str]:
    """As declared; after them those that only the run knows, because other code has started it."""
    declared = [step.name for step in pipeline.steps] if pipeline is not None else []
    met = [*(attempt.step for attempt in run.attempts), run.step]
    return list(dict.fromkeys([*declared, *met]))


def steps_of(run: RunRecord, pipeline: Pipeline[Any] | None) -> tuple[ShownStep, ...]:
    """All steps, in order."""
    names = names_of_steps(run, pipeline)
    here = names.index(run.step)
    return tuple(_step(run, pipeline, name, place - here) for place, name in enumerate(names))


def _step(run: RunRecord, pipeline: Pipeline[Any] | None, name: str, distance: int) -> ShownStep:
    tried = tuple(each for each in run.attempts if each.step == name)
    declared = next((step for step in pipeline.steps if step.name == name), None) if pipeline is not None else None
    is_here = distance == 0 and not run.state.is_terminal
    budget = declared.undo if declared is not None and run.state is RunState.UNDOING else declared
    return ShownStep(
        name=name,
        kind=declared.kind if declared is not None else None,
        standing=_HERE[run.state] if is_here else _standing(run, tried, distance),
        attempts=tried[-MOST_SHOWN:],
        earlier=max(0, len(tried) - MOST_SHOWN),
        attempt=run.errors + 1 if is_here else None,
        most_attempts=budget.retry.attempts if is_here and budget is not None else None,
        due_at=run.due_at if is_here and run.state is RunState.WAITING else None,
    )


def _standing(run: RunRecord, tried: Sequence[Attempt], distance: int) -> Standing:
    """Of a step that the run is not at, or at which it has ended."""
    if run.state is RunState.QUARANTINED and distance == 0:
        return Standing("killed its process", "bad")
    is_to_come = distance > 0 and not run.state.is_terminal and run.state is not RunState.UNDOING
    if is_to_come or not tried:  # what was undone comes again, when it is retried from further up
        return Standing("not reached" if run.state.is_terminal or run.ending else "not yet", "open")
    last = tried[-1]
    if last.direction != _UNDO:
        return _STOPPED[last.outcome]
    if last.outcome is not AttemptOutcome.SUCCESS:
        return Standing("not undone", "bad")
    done = next((each.outcome for each in reversed(tried) if each.direction != _UNDO), AttemptOutcome.SUCCESS)
    return (
        _UNDONE if done is AttemptOutcome.SUCCESS else Standing(f"{_STOPPED[done].word}, undone", _STOPPED[done].mark)
    )
