"""What happened as structured log lines: ids, names from the code, outcomes and durations, and nothing of the data."""

import logging
import re
from typing import Any

import structlog

from pipelines.errors import Reject
from pipelines.events import (
    BatchCommitted,
    CarrierChanged,
    CommitDoubted,
    Event,
    ProcessFailed,
    RunFinished,
    RunLeft,
    RunPutAside,
    RunsReaped,
    RunStarted,
    StepAttempted,
    StepRaised,
    TickFailed,
    WriteRefused,
)
from pipelines.run import DEAD_LETTERS, AttemptOutcome, RunState
from pipelines.telemetry.tracebacks import kinds_of, places_of

_KIND_OF_ERROR = re.compile(r"[A-Za-z_][\w.]*(?=: )")
_WARNS = frozenset({AttemptOutcome.RETRY, AttemptOutcome.THROTTLED, AttemptOutcome.FAILED})


class StructuredLogs:
    """A subscriber: one line per event, through the structlog that is configured when it is made.

    The usual way of a run, which metrics count, is at `debug`; a run that ends otherwise at `info`. What is tried again
    is a warning, a dead letter an error. Of an error only its type is told, and of a final one where it was raised: its
    text may quote what a customer sent.
    """

    def __init__(self, logger: Any = None) -> None:
        self._log = (logger or structlog.get_logger()).bind()
        self._tells_all: bool = self._log.is_enabled_for(logging.DEBUG)

    def __call__(self, event: Event) -> None:
        if self._tells_all or not _is_usual(event):  # asked first: every step of every run comes by here
            self._tell(event)

    def _tell(self, event: Event) -> None:
        match event:
            case StepAttempted():
                self._attempted(event)
            case RunFinished(outcome=outcome):
                say = (
                    self._log.error
                    if outcome in DEAD_LETTERS
                    else self._log.debug
                    if _is_usual(event)
                    else self._log.info
                )
                say("run finished", **_of(event), outcome=str(event.outcome), seconds=round(event.seconds, 3))
            case StepRaised(step=step, error=error):
                say = self._log.debug if _is_usual(event) else self._log.warning
                say("step raised", **_of(event), step=step, exception=kinds_of(error), frames=places_of(error))
            case RunStarted():
                self._log.debug("run started", **_of(event))
            case RunPutAside(step=step, destination=destination):
                self._log.debug("run put aside", **_of(event), step=step, destination=destination)
            case RunLeft(version=version, step=step):
                self._log.error("run left to other code", **_of(event), version=version, step=step)
            case WriteRefused():
                self._log.warning("write refused", **_of(event))
            case _:
                self._tell_of_process(event)

    def _tell_of_process(self, event: Event) -> None:
        match event:
            case RunsReaped(runs=runs, quarantined=quarantined, processes=processes):
                self._log.warning("runs reaped", processes=processes, runs=runs, quarantined=quarantined)
            case CommitDoubted(committed=committed):
                self._log.warning("commit doubted", committed=committed)
            case TickFailed(schedule=schedule, error=error):
                self._log.error("tick failed", schedule=schedule, error=error.partition(":")[0])
            case CarrierChanged(error=None):
                self._log.info("wake-ups are carried again")
            case CarrierChanged(error=error):
                self._log.warning("wake-ups are dropped", error=error)  # and the sweeps find all
            case ProcessFailed(reason=reason):
                self._log.critical("process failed", reason=reason.partition(":")[0])  # beyond it, an error's text
            case _:
                pass  # a batch is counted, not told

    def _attempted(self, event: StepAttempted) -> None:
        say = self._log.debug if _is_usual(event) else self._log.warning if event.outcome in _WARNS else self._log.info
        said = {} if event.error is None else {"error": _kind_of(event.error, event.outcome)}
        say(
            "step attempted",
            **_of(event),
            step=event.step,
            kind=str(event.kind),
            attempt=event.attempt,
            outcome=str(event.outcome),
            seconds=round(event.seconds, 3),
            **said,
        )


def _is_usual(event: Event) -> bool:
    if isinstance(event, StepAttempted):
        return event.outcome == AttemptOutcome.SUCCESS
    if isinstance(event, RunFinished):
        return event.outcome == RunState.COMPLETED
    if isinstance(event, StepRaised):  # where it came from is asked when nothing is left but to mend it
        return not event.is_final or isinstance(event.error, Reject)
    return isinstance(event, RunStarted | BatchCommitted)


def _of(
    event: StepAttempted | StepRaised | RunStarted | RunFinished | RunLeft | RunPutAside | WriteRefused,
) -> dict[str, str]:
    return {"run_id": str(event.run_id), "pipeline": event.pipeline}


def _kind_of(error: str, outcome: str) -> str:
    """A refusal is stored in its own words, which are the customer's business; all else begins with its type."""
    kind = None if outcome == AttemptOutcome.REJECTED else _KIND_OF_ERROR.match(error)
    return kind[0] if kind is not None else str(outcome)
