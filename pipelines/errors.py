"""What can go wrong, as one tree.

PipelinesError
├── WiringError          the application is put together wrongly; raised as early as it can be known
├── Reject               a step refuses for good, for a business reason
├── Throttled            a step is asked to come back later; costs no attempt
│   └── UnknownTask      a background task is not to be found in this process; costs no attempt
├── WithEvidence         a step's error that has something to show; mix it into your own
├── StepTimeout          a step took longer than it may
├── DeadlinePassed       the time for the whole run is up
├── TaskRefused          a background task cannot be stored, or is added too late
├── NotInsideTransaction a transaction function tried what only the committer may do
├── StateConflict        a run is not in a state that allows this
├── UnknownRun           no run has this id
├── UnknownSchedule      no schedule of this process has this name
├── UnknownStep          a run stands before a step that this code does not have
└── JournalError         the journal, not the step, is in trouble
    ├── Fenced           this process, or this run, belongs to somebody else by now; nothing was written
    ├── Unavailable      the database does not answer; nothing was written
    ├── Overloaded       too much is waiting for the committer, or watching; nothing was written
    ├── StorageFull      the disk is full; nothing was written
    ├── OutcomeUnknown   COMMIT was sent and its answer lost; repeat under the same key
    ├── JournalTooOld    the tables are older than this code
    ├── NoSession        a pooler stands before PostgreSQL, where nobody said so or none can be
    ├── JournalMoved     the journal has moved to another database, or is on its way there
    ├── NotMoved         the journal stays where it is; the message says why
    └── AlreadyServed    another process holds this SQLite file
"""

from datetime import UTC, datetime, timedelta

from pipelines.retry_after import pause_asked_for


class PipelinesError(Exception):
    """The base of all errors of this package."""


class WiringError(PipelinesError):
    """The application is put together wrongly; the message names what, and mostly says what to do."""


class Reject(PipelinesError):
    """Raised by a step to refuse for good: no retry, what was done is undone, the run ends `rejected`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Throttled(PipelinesError):
    """Raised by a step when the other side says "later": the run waits, and no attempt is spent."""

    def __init__(self, *, retry_after: timedelta) -> None:
        super().__init__(f"asked to come back in {retry_after.total_seconds():g} s")
        self.retry_after = retry_after

    @classmethod
    def from_header(cls, retry_after: str | None, *, now: datetime | None = None) -> "Throttled | None":
        """What an HTTP `Retry-After` asks for, in seconds or as a date, clamped to 1 s .. 1 h.

        None if there is no such header, or nobody understands it: then the answer is a failure like another, and
        costs an attempt.
        """
        pause = pause_asked_for(retry_after or "", now=now or datetime.now(UTC))
        return cls(retry_after=pause) if pause is not None else None


class WithEvidence(PipelinesError):
    """Mix it into an error of yours: `evidence` is kept with the attempt, as its result, and told to no log.

    Such as what the other side answered. Keep it short; nobody reads it but you, in `Attempt.result`.
    """

    evidence: str | None = None


class StepTimeout(PipelinesError):
    """The step was cancelled because its time was up; the step's `Retry` covers it."""

    def __init__(self, timeout: timedelta) -> None:
        super().__init__(f"took longer than {timeout.total_seconds():g} s")
        self.timeout = timeout


class DeadlinePassed(PipelinesError):
    """The run had until now, and is undone. No retry covers it."""

    def __init__(self, step: str) -> None:
        super().__init__(f"its deadline passed at step {step}")
        self.step = step


class TaskRefused(PipelinesError):
    """`add_task` cannot promise to do this after a crash; the message says what to do instead."""


class UnknownTask(Throttled):
    """This process does not have the function, or may not call it: the run waits, and no attempt is spent."""

    def __init__(self, reason: str) -> None:
        super().__init__(retry_after=timedelta(minutes=5))
        self.args = (reason,)


class NotInsideTransaction(PipelinesError):
    """Only the committer begins, flushes, commits or rolls back."""


class StateConflict(PipelinesError):
    """The run is in a state that does not allow what was asked for."""


class UnknownRun(PipelinesError):
    """There is no run of this id, or it has been pruned."""


class UnknownStep(PipelinesError):
    """The run stands before a step of other code: whoever has that code carries it on."""

    def __init__(self, pipeline: str, version: str, step: str) -> None:
        super().__init__(f"{pipeline} version {version} has no step {step!r} here")
        self.pipeline, self.version, self.step = pipeline, version, step


class UnknownSchedule(PipelinesError):
    """No schedule of this process is called that."""


class JournalError(PipelinesError):
    """Not the step's failure: whoever owns the run carries it on."""


class Fenced(JournalError):
    """Somebody else owns the run, or this process has been declared dead. Nothing was written."""


class Unavailable(JournalError):
    """The database cannot be reached. Nothing was written."""


class Overloaded(JournalError):
    """There is more to do than this process takes on: its queue is full, or too many watch. Nothing was written."""


class StorageFull(JournalError):
    """There is no room on the disk. Nothing was written; writing resumes by itself when there is."""


class OutcomeUnknown(JournalError):
    """The answer to COMMIT was lost and could not be found out in time: perhaps written, perhaps not."""


class JournalTooOld(JournalError):
    """The journal's tables are missing or older than this code: migrate first."""


class NoSession(JournalError):
    """A pooler shares the connections to PostgreSQL out by the transaction: say so in the URL, or go past it."""


class JournalMoved(JournalError):
    """The journal has moved to another database, or is on its way there: nobody may work here any more."""

    def __init__(self, target: str, *, has_arrived: bool) -> None:
        super().__init__(
            f"This journal has moved to {target}. Serve from there."
            if has_arrived
            else f"A move of this journal to {target} is not finished. Repeat it, or open this journal again."
        )
        self.target, self.has_arrived = target, has_arrived


class NotMoved(JournalError):
    """The journal stays where it is, and may be served there as before; the message says why."""


class AlreadyServed(JournalError):
    """Another process holds this SQLite file; one file has one process."""
