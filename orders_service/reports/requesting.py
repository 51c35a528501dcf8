"""A report is asked for: stored, its making started and its answer remembered, in one transaction."""

import json
from dataclasses import dataclass
from uuid import UUID

from orders_service import audit
from orders_service.audit import Note
from orders_service.idempotency import Answer, OnceKey, recall, remember
from orders_service.reports import queries
from orders_service.reports.making import make_report
from orders_service.reports.periods import period_of
from orders_service.reports.requests import ReportRequest
from orders_service.reports.schemas import ReportDraft
from orders_service.reports.tables import Report
from orders_service.reports.viewing import view_of
from pipelines import Transaction, start

ACCEPTED = 202


@dataclass(frozen=True, slots=True)
class Requested:
    """Which report it is, which run makes it, and what its client is answered."""

    report_id: str
    run_id: str
    answer: Answer


def request_report(tx: Transaction, draft: ReportDraft, once: OnceKey, principal: str, note: Note) -> Requested:
    """Report, run, audit and remembered answer: all on disk, or none. Raises `PeriodRefused`.

    The note's subject is the id that the report gets.
    """
    if earlier := recall(tx, once, draft):
        said = json.loads(earlier.body)
        return Requested(said["id"], said["run"]["id"], earlier)
    report = begin(tx, draft, principal, note)
    answer = Answer(ACCEPTED, view_of(report, None).model_dump_json(by_alias=True))
    return Requested(str(report.id), str(report.run_id), remember(tx, once, draft, answer))


def begin(tx: Transaction, draft: ReportDraft, principal: str, note: Note) -> Report:
    """Whoever asks, a person or a schedule. Raises `PeriodRefused`."""
    now = tx.home.clock.now()
    period = period_of(draft.first, draft.last, draft.time_zone, now=now)
    request = ReportRequest(
        id=UUID(note.subject_id),
        principal=principal,
        type=draft.type,
        since=period.since,
        until=period.until,
        time_zone=period.time_zone,
        first=period.first,
        last=period.last,
        requested_at=now,
        notify_email=draft.notify_email,
    )
    run_id = start(tx, make_report, request)
    row = request.model_dump(exclude={"requested_at"}) | {"created_at": now, "run_id": run_id}
    queries.add(tx, row)
    audit.record(tx, note, after=request.model_dump(mode="json", include={"type", "first", "last", "time_zone"}))
    return Report(**row, state="pending")
