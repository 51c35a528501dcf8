"""Before a deploy: can this code carry on the runs that are open? What it cannot is listed, nothing is touched."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from pipelines.errors import UnknownStep
from pipelines.former import all_versions
from pipelines.journal import PipelinePause, pauses_of, surveying
from pipelines.journal.surveying import OpenRuns, StoredRun
from pipelines.pipeline import Pipeline
from pipelines.transaction import ReadSession

MOST_READ = 1000
MOST_NAMED = 3


class Kind(StrEnum):
    """What is amiss."""

    UNKNOWN_PIPELINE = "unknown-pipeline"
    UNKNOWN_VERSION = "unknown-version"
    UNKNOWN_STEP = "unknown-step"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Runs that this code would not carry on; its text is a sentence for an operator."""

    kind: Kind
    pipeline: str
    version: str
    runs: int
    step: str | None = None
    read: int | None = None
    error: str | None = None
    examples: tuple[UUID, ...] = ()

    def __str__(self) -> str:
        runs = f"{self.runs} run{'s' * (self.runs != 1)}"
        whose = f"{self.pipeline} version {self.version}"
        match self.kind:
            case Kind.UNKNOWN_PIPELINE:
                return f"{runs} of {self.pipeline}, which this code does not have."
            case Kind.UNKNOWN_VERSION:
                return f"{runs} of {whose}, from which this code has no upcast."
            case Kind.UNKNOWN_STEP:
                return (
                    f"{runs} of {whose} stand{'s' * (self.runs == 1)} before step {self.step}, which no longer exists."
                )
            case Kind.UNREADABLE:
                named = ", ".join(map(str, self.examples))
                return f"{runs} of {whose}, of {self.read} tried, cannot be read ({self.error}): {named}."


@dataclass(frozen=True, slots=True)
class Report:
    """How many runs are open, what is amiss with some of them, and which pipelines stand still."""

    runs: int
    troubles: tuple[Trouble, ...]
    paused: tuple[PipelinePause, ...] = ()


def check(session: ReadSession, pipelines: Iterable[Pipeline[Any]], *, most_read: int = MOST_READ) -> Report:
    """Compare the code with the open runs of a journal. Of each version at most `most_read` runs are read in full."""
    known = {(each.name, each.version): each for each in all_versions(pipelines)}
    found = surveying.open_runs(session)
    troubles = [*_unknown(found, known), *_unreadable(session, found, known, most_read)]
    return Report(sum(each.count for each in found), tuple(troubles), tuple(pauses_of(session).values()))


Known = dict[tuple[str, str], Pipeline[Any]]


def _unknown(found: Iterable[OpenRuns], known: Known) -> Iterator[Trouble]:
    names, counts = {name for name, _ in known}, dict[tuple[Kind, str, str, str | None], int]()
    for each in found:
        if (kind := _kind_of(each, names, known)) is not None:
            place = (kind, each.pipeline, each.version, each.step if kind is Kind.UNKNOWN_STEP else None)
            counts[place] = counts.get(place, 0) + each.count
    for (kind, pipeline, version, step), count in counts.items():
        yield Trouble(kind=kind, pipeline=pipeline, version=version, step=step, runs=count)


def _kind_of(each: OpenRuns, names: set[str], known: Known) -> Kind | None:
    if each.pipeline not in names:
        return Kind.UNKNOWN_PIPELINE
    if (pipeline := known.get((each.pipeline, each.version))) is None:
        has_step = any(name == each.pipeline and _has(of, each.step) for (name, _), of in known.items())
        return Kind.UNKNOWN_VERSION if has_step else Kind.UNKNOWN_STEP
    return None if _has(pipeline, each.step) else Kind.UNKNOWN_STEP


def _has(pipeline: Pipeline[Any], step: str) -> bool:
    try:
        pipeline.place_of(step)
    except UnknownStep:
        return False
    return True


def _unreadable(session: ReadSession, found: Iterable[OpenRuns], known: Known, most: int) -> Iterator[Trouble]:
    for name, version in sorted({(each.pipeline, each.version) for each in found} & set(known)):
        tried = surveying.stored(session, name, version, most)
        failed: dict[str, list[UUID]] = {}
        for run in tried:
            if (error := _error_of(known[name, version], run)) is not None:
                failed.setdefault(error, []).append(run.id)
        for error, ids in failed.items():
            yield Trouble(
                kind=Kind.UNREADABLE,
                pipeline=name,
                version=version,
                runs=len(ids),
                read=len(tried),
                error=error,
                examples=tuple(ids[:MOST_NAMED]),
            )


def _error_of(pipeline: Pipeline[Any], run: StoredRun) -> str | None:
    """Only its type: what it says would quote the stored data."""
    try:
        pipeline.decode(run.payload)
        for step, kept in run.results.items():
            pipeline.decode_kept(step, kept)
    except Exception as error:  # noqa: BLE001 - the types of input and results, and upcasts, are foreign code
        return type(error).__name__
    return None
