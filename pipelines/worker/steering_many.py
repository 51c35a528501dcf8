"""Many runs retried or cancelled at once: in slices, so that nothing else has to wait, and again after a crash."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from pipelines.clock import Clock
from pipelines.errors import StateConflict
from pipelines.journal import cancelling, filtering, interventions, retrying
from pipelines.journal.filtering import Preview, RunFilter
from pipelines.run import DEAD_LETTERS
from pipelines.transaction import ReadSession, Transaction

MOST_CONFLICTS = 5  # in a row: a slice in which somebody else moves runs is looked at again

Write = Callable[..., Awaitable[Any]]
SetForward = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Steered:
    """How many runs were set in motion, and how many were left, because they could not be."""

    done: int
    left: int


Heard = Callable[[Steered], None]


def unheard(_: Steered) -> None:
    """Whoever awaits the end need not listen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """What is asked for, and by whom."""

    action: str
    chosen: RunFilter
    actor: str
    reason: str | None
    pace_per_second: float | None = None
    since: datetime
    key: UUID | None = None


@dataclass(slots=True)
class _Progress:
    """How far it has come. Changed after a COMMIT only, so a slice may be called twice."""

    since: datetime
    intervention: UUID | None = None
    last: UUID | None = None
    done: int = 0
    left: int = 0
    is_over: bool = False


@dataclass(frozen=True, slots=True)
class _Slice:
    """What one transaction did."""

    intervention: UUID
    last: UUID | None
    done: int
    left: int
    size: int = field(default=0)


class SteeringMany:
    """Await its verbs: each takes several transactions. Who did it, to what and to how many is one row."""

    def __init__(self, write: Write, set_forward: SetForward, clock: Clock) -> None:
        self._write = write
        self._set_forward = set_forward
        self._clock = clock

    def preview_retry(self, session: ReadSession, chosen: RunFilter) -> Preview:
        """What `retry_all` would be about. Writes nothing."""
        return filtering.preview(session, chosen, DEAD_LETTERS)

    def preview_cancel(self, session: ReadSession, chosen: RunFilter) -> Preview:
        """What `cancel_all` would be about. Writes nothing."""
        return filtering.preview(session, chosen, cancelling.CANCELLABLE)

    async def retry_all(
        self,
        chosen: RunFilter,
        *,
        actor: str,
        reason: str | None = None,
        pace_per_second: float | None = None,
        limit: int | None = None,
        key: UUID | None = None,
        heard: Heard = unheard,
    ) -> Steered:
        """Retry all runs that match, as `retry` does. Those that it would refuse are counted and left.

        With a pace they are due one after another, so the pace holds though nobody stays alive to keep it. After a
        crash in the middle do it again: what was retried does not match any more. Under a `key`, the id of what is
        written down, it goes on where it had come to, and at the pace it had. `heard` is told after each slice.
        """
        order = _Order(
            action="retry_all",
            chosen=chosen,
            actor=actor,
            reason=reason,
            pace_per_second=pace_per_second,
            since=self._clock.now(),
            key=key,
        )
        return await self._all(self._retry_slice, order, limit, heard)

    async def cancel_all(
        self,
        chosen: RunFilter,
        *,
        actor: str,
        reason: str,
        limit: int | None = None,
        key: UUID | None = None,
        heard: Heard = unheard,
    ) -> Steered:
        """Cancel all open runs that match. Those that end, or are undone, while this happens are left in peace.

        `key` and `heard` are those of `retry_all`.
        """
        order = _Order(action="cancel_all", chosen=chosen, actor=actor, reason=reason, since=self._clock.now(), key=key)
        return await self._all(_cancel_slice, order, limit, heard)

    async def _all(self, work: Callable[..., _Slice], order: _Order, limit: int | None, heard: Heard) -> Steered:
        progress = _Progress(order.since) if order.key is None else await self._write(_begun, order, order.key)
        conflicts = 0
        while not progress.is_over:
            most = filtering.SLICE if limit is None else min(filtering.SLICE, limit - progress.done)
            try:
                done = await self._write(work, order, progress, most)
            except StateConflict:
                conflicts += 1
                if conflicts > MOST_CONFLICTS:
                    raise
                continue
            conflicts = 0
            _count(progress, done, is_over=done.size < most or progress.done + done.done == limit)
            heard(Steered(progress.done, progress.left))
        return Steered(progress.done, progress.left)

    def _retry_slice(self, tx: Transaction, order: _Order, progress: _Progress, most: int) -> _Slice:
        ids = filtering.slice_after(tx, order.chosen, DEAD_LETTERS, progress.last, most)
        found, done = retrying.find(tx, ids), 0
        for run_id in ids:
            try:
                delay = _delay(order, progress, done, tx.home.clock.now())
                self._set_forward(tx, found[run_id], delay_seconds=delay)
                done += 1
            except StateConflict:
                continue
        return _noted(tx, order, progress, ids, done)


def _begun(tx: Transaction, order: _Order, key: UUID) -> _Progress:
    """How far it had come before, if it is known under its key."""
    said = interventions.said(tx, key)
    if said is None:
        return _Progress(order.since)
    last = UUID(said["last"]) if "last" in said else None
    return _Progress(datetime.fromisoformat(said["since"]), key, last, done=int(said["done"]), left=int(said["left"]))


def _cancel_slice(tx: Transaction, order: _Order, progress: _Progress, most: int) -> _Slice:
    ids = filtering.slice_after(tx, order.chosen, cancelling.CANCELLABLE, progress.last, most)
    cancelling.cancel_those(tx, ids, reason=order.reason or "cancelled with many others")
    return _noted(tx, order, progress, ids, len(ids))


def _noted(tx: Transaction, order: _Order, progress: _Progress, ids: list[UUID], done: int) -> _Slice:
    details = {
        "filter": order.chosen.said(),
        "reason": order.reason,
        "pace_per_second": order.pace_per_second,
        "done": progress.done + done,
        "left": progress.left + len(ids) - done,
    }
    row = progress.intervention
    last = ids[-1] if ids else progress.last
    if order.key is not None:
        details |= {"last": str(last) if last is not None else None, "since": progress.since.isoformat()}
    if row is None:
        chosen = order.chosen.pipeline
        row = interventions.record(tx, order.actor, order.action, pipeline=chosen, details=details, under=order.key)
    else:
        interventions.amend(tx, row, details)
    return _Slice(row, last, done, len(ids) - done, len(ids))


def _count(progress: _Progress, done: _Slice, *, is_over: bool) -> None:
    progress.intervention, progress.last = done.intervention, done.last
    progress.done += done.done
    progress.left += done.left
    progress.is_over = is_over


def _delay(order: _Order, progress: _Progress, place: int, now: datetime) -> float:
    """The run at this place is due that long after the order was given, whenever its slice is written."""
    if order.pace_per_second is None:
        return 0.0
    due = (progress.done + place) / order.pace_per_second
    return max(0.0, due - (now - progress.since).total_seconds())
