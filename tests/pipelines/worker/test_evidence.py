"""What an error has to show is kept with its attempt, and told to nobody else."""

from datetime import timedelta
from typing import Any

import pytest
from tenacity import wait_none

from pipelines import Pipeline, Reject, Retry, Throttled, WithEvidence
from pipelines.events import Event
from pipelines.testing import rehearsal
from tests.builders.world import Trip


class Down(OSError, WithEvidence):
    def __init__(self, evidence: str | None) -> None:
        super().__init__("down")
        self.evidence = evidence


class No(Reject, WithEvidence):
    evidence = "canary: no"


class Later(Throttled, WithEvidence):
    evidence = "canary: later"


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
async def test_the_evidence_of_each_failure_is_the_result_of_its_attempt(database_url: str) -> None:
    pipeline, events = Pipeline("trip", Trip), list[Event]()
    troubles: list[Any] = [Down("canary \x00 \ud800"), Later(retry_after=timedelta(seconds=1)), Down(None), No("no")]

    @pipeline.step(retry=Retry(on=(OSError,), wait=wait_none()))
    async def go() -> None:
        raise troubles.pop(0)

    async with rehearsal([pipeline], database_url=database_url, subscribers=[events.append]) as stage:
        run_id = await stage.start(pipeline, Trip())
        await stage.run_to_the_end()
        run = stage.run(run_id)
    assert [attempt.result for attempt in run.attempts] == ["canary  ?", "canary: later", None, "canary: no"]
    assert "canary" not in " ".join(str(attempt.error) for attempt in run.attempts)
    assert run.returned_by("go") is None
