"""What is on the pages that ask whether something is to be done to many runs."""

from dataclasses import dataclass
from datetime import datetime

from pydantic import Field

from orders_service.console.run_questions import RunQuestion, fields_of, in_words
from orders_service.operations import (
    MOST_AT_ONCE,
    Action,
    ReasonText,
    RunChoice,
    RunSummary,
    SteeringOrder,
    preview_of,
    summary_of,
)
from pipelines import Preview, Process, ReadSession, RunState

ANSWERS = ("reason", "pace_per_second", "most")


class BulkQuestion(RunQuestion):
    """Which runs, and what is said about doing it to them."""

    reason: ReasonText | None = None
    pace_per_second: float | None = Field(default=None, strict=False, ge=0.01, le=1000)
    most: int | None = Field(default=None, strict=False, ge=1, le=MOST_AT_ONCE)


class BulkForm(BulkQuestion):
    """The same from the page that asks once more. The key makes two clicks one."""

    csrf: str
    key: str = Field(min_length=16, max_length=100)

    def order(self, action: Action, actor: str, now: datetime) -> SteeringOrder:
        return SteeringOrder(
            action=action,
            chosen=self.at(now).stored,
            actor=actor,
            reason=self.reason,
            pace_per_second=self.pace_per_second if action is Action.RETRY else None,
            limit=self.most,
        )


@dataclass(frozen=True, slots=True)
class Bulk:
    """So many match; `choice` means the same runs however long somebody thinks about it."""

    action: Action
    asked: BulkQuestion
    choice: RunChoice
    preview: Preview
    sample: list[RunSummary]

    @property
    def states(self) -> list[RunState]:
        """Of those that were asked for the ones that it can be done to."""
        return [state for state in self.action.states if not self.choice.states or state in self.choice.states]

    @property
    def words(self) -> list[str]:
        return in_words(self.choice)

    @property
    def fields(self) -> list[tuple[str, str]]:
        return fields_of(self.choice)

    @property
    def fields_and_answers(self) -> list[tuple[str, str]]:
        """And what was said about doing it."""
        said = self.asked.model_dump(include=set(ANSWERS), exclude_none=True)
        return self.fields + [(name, str(said[name])) for name in ANSWERS if name in said]

    @property
    def agreed(self) -> list[tuple[str, str]]:
        """The same as it is sent: what matches only by then was not agreed to, so no more than were counted."""
        most = self.asked.most if self.is_more else self.count
        others = [(name, value) for name, value in self.fields_and_answers if name != "most"]
        return others + ([("most", str(most))] if most else [])

    @property
    def is_everything(self) -> bool:
        return not fields_of(self.asked) and self.asked.within is None

    @property
    def is_limited(self) -> bool:
        return self.asked.most is not None and self.asked.most < self.preview.count

    @property
    def count(self) -> int:
        """How many it will be done to, as far as they were counted."""
        return min(self.preview.count, self.asked.most or self.preview.count)

    @property
    def count_in_words(self) -> str:
        return f"{self.count:,}" if self.is_limited else self.preview.count_in_words

    @property
    def is_more(self) -> bool:
        return not self.count_in_words[-1].isdigit()


def bulk_of(process: Process, session: ReadSession, action: Action, asked: BulkQuestion) -> Bulk:
    """What comes in after it was counted is left out: nobody has seen it."""
    now = process.clock.now()
    choice = asked.at(now)
    if choice.created_before is None:
        choice = choice.model_copy(update={"created_before": now})
    preview = preview_of(session, process.steering.many, action, choice.stored)
    return Bulk(action, asked, choice, preview, [summary_of(process, run) for run in preview.sample])
