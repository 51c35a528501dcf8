"""The journal's tables, and the only code that executes SQL on them."""

from pipelines.journal import (
    browsing,
    cancelling,
    claiming,
    explaining,
    filtering,
    interventions,
    pausing,
    presence,
    reaping,
    recording,
    retrying,
    starting,
)
from pipelines.journal.cancelling import RunIsCancelled, cancel
from pipelines.journal.closing import refuse_if_closed
from pipelines.journal.creating import create_tables, what_is_missing
from pipelines.journal.dialects import (
    open_for_altering,
    open_for_process,
    open_for_reading,
    open_for_writing,
    parse_url,
)
from pipelines.journal.filtering import FoundRun, Preview, RunFilter
from pipelines.journal.interventions import Intervention
from pipelines.journal.listing import list_runs
from pipelines.journal.lock import lock_of
from pipelines.journal.pausing import PipelineIsPaused, PipelineIsResumed, PipelinePause, pause, pauses_of, resume
from pipelines.journal.presence import Presence
from pipelines.journal.retrying import RunGoesOn
from pipelines.journal.schedules import ScheduleRecord, Schedules
from pipelines.journal.starting import RunIsOurs, RunIsReady, start

__all__ = [
    "FoundRun",
    "Intervention",
    "PipelineIsPaused",
    "PipelineIsResumed",
    "PipelinePause",
    "Presence",
    "Preview",
    "RunFilter",
    "RunGoesOn",
    "RunIsCancelled",
    "RunIsOurs",
    "RunIsReady",
    "ScheduleRecord",
    "Schedules",
    "browsing",
    "cancel",
    "cancelling",
    "claiming",
    "create_tables",
    "explaining",
    "filtering",
    "interventions",
    "list_runs",
    "lock_of",
    "open_for_altering",
    "open_for_process",
    "open_for_reading",
    "open_for_writing",
    "parse_url",
    "pause",
    "pauses_of",
    "pausing",
    "presence",
    "reaping",
    "recording",
    "refuse_if_closed",
    "resume",
    "retrying",
    "start",
    "starting",
    "what_is_missing",
]
