"""What the machinery looks like from outside: runs in a list, schedules, pipelines."""

from typing import Any

from apscheduler.triggers.cron import CronTrigger

from orders_service.auth import Principal, Scope
from orders_service.operations.errors import UnknownPipeline
from orders_service.operations.machinery_schemas import LastRun, PauseView, PipelineView, ScheduleView, StepView
from orders_service.operations.schemas import CauseView, RunSummary
from orders_service.pages import Page, cursor_after, place_of
from pipelines import (
    Cause,
    FoundRun,
    Pipeline,
    PipelinePause,
    Process,
    ReadSession,
    RunFilter,
    RunState,
    ScheduleRecord,
    UnknownSchedule,
    counts_of_runs,
    pauses_of,
)
from pipelines import list_runs as newest_runs

_CRON = ("minute", "hour", "day", "month", "day_of_week")
# What names people and machines of ours is put in other words for whoever is not of the staff.
_FOR_CUSTOMERS = {
    "owned": "is being worked on",
    "owner-late": "is being worked on",
    "paused": "is paused by the operators of this service",
    "queued": "waits for its turn",
    "in-line": "waits for its turn",
}


def cause_for(principal: Principal, cause: Cause) -> CauseView:
    """The sentence, as whoever asks may hear it."""
    words = None if principal.may(Scope.OPERATIONS_READ) else _FOR_CUSTOMERS.get(cause.code)
    return CauseView(code=cause.code, sentence=words or cause.sentence)


def summary_of(process: Process, run: FoundRun) -> RunSummary:
    """A run in a list, with how often its step is tried."""
    wired = process.wired.get((run.pipeline, run.version))
    step = wired.steps.get(run.step) if wired is not None else None
    if step is not None and run.state is RunState.UNDOING:
        step = step.undo
    return RunSummary.of(run, step.step.retry.attempts if step is not None else None)


def page_of_runs(
    process: Process, session: ReadSession, chosen: RunFilter, *, under: str, cursor: str | None, limit: int
) -> Page[RunSummary]:
    """Runs that match, newest first; `under` is what a cursor stands for. Raises `UnfitCursor`."""
    found = newest_runs(
        session,
        chosen,
        before=place_of(cursor, under=under),
        most=limit + 1,
        skew_seconds=process.clock.skew_seconds,
    )
    more = cursor_after(found[limit - 1].id, under=under) if len(found) > limit else None
    return Page(items=[summary_of(process, run) for run in found[:limit]], next=more)


def schedules_of(process: Process, session: ReadSession) -> list[ScheduleView]:
    """All of them, by name."""
    return [_schedule(process, record) for record in process.schedules.listing(session)]


def schedule_of(process: Process, name: str) -> ScheduleView:
    """One of them. Raises `UnknownSchedule`."""
    with ReadSession(process.readers) as session:
        for each in schedules_of(process, session):
            if each.name == name:
                return each
    raise UnknownSchedule(name)


def pipelines_of(process: Process, session: ReadSession) -> list[PipelineView]:
    """All of them, by name."""
    counts, pauses = counts_of_runs(session), pauses_of(session)
    known = [each.pipeline for each in process.wired.values()]
    todays = sorted((each for each in known if each.written_by is None), key=lambda each: each.name)
    return [
        PipelineView(
            name=each.name,
            version=each.version,
            versions=[version for name, version in process.wired if name == each.name],
            steps=_steps(each),
            paused=_pause(pauses.get(each.name)),
            runs={state: count for (name, state), count in sorted(counts.items()) if name == each.name},
        )
        for each in todays
    ]


def pipeline_of(process: Process, name: str) -> PipelineView:
    """One of them. Raises `UnknownPipeline`."""
    with ReadSession(process.readers) as session:
        for each in pipelines_of(process, session):
            if each.name == name:
                return each
    raise UnknownPipeline


def _schedule(process: Process, record: ScheduleRecord) -> ScheduleView:
    run_id, run = record.last_run_id, record.last_run
    return ScheduleView(
        name=record.name,
        pipeline=record.pipeline,
        trigger=expression_of(process.schedules[record.name].trigger),
        sentence=record.sentence,
        next_fire_at=record.next_fire_at,
        last_fire_at=record.last_fire_at,
        last_run=LastRun(id=run_id, url=f"/v1/runs/{run_id}", state=run.state) if run_id and run else None,
        paused_at=record.paused_at,
        paused_by=record.paused_by,
    )


def expression_of(trigger: CronTrigger) -> str:
    """Minute, hour, day, month, weekday, and the zone: what people read more easily than the trigger's own words."""
    fields: dict[str, Any] = {field.name: str(field) for field in trigger.fields}
    return " ".join([*(fields[name] for name in _CRON), str(trigger.timezone)])


def _steps(pipeline: Pipeline[Any]) -> list[StepView]:
    return [
        StepView(name=step.name, kind=step.kind, most_attempts=step.retry.attempts, can_be_undone=step.undo is not None)
        for step in pipeline.steps
    ]


def _pause(pause: PipelinePause | None) -> PauseView | None:
    return PauseView(at=pause.paused_at, by=pause.paused_by, reason=pause.reason) if pause is not None else None
