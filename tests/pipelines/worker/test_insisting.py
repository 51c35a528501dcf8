"""What has happened is written down, even if the disk is full for a while."""

import pytest

from pipelines import Fenced, StorageFull, Transaction, Unavailable
from pipelines.worker.insisting import insist
from tests.builders.world import note, noted, staged


@pytest.mark.parametrize("refusal", [StorageFull("full"), Unavailable("locked")], ids=["full", "locked"])
async def test_a_refusal_that_passes_is_waited_out(
    database_url: str, refusal: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.worker.insisting.PAUSE_SECONDS", 0.001)
    refusals = [refusal] * 3

    def write(tx: Transaction) -> None:
        if refusals:
            raise refusals.pop()
        note(tx, "written")

    async with staged(database_url, []) as stage:
        await insist(stage.process._committer, write)
    assert noted(database_url) == ["written"]


@pytest.mark.parametrize("error", [Fenced("not yours"), ValueError("wrong")], ids=["fenced", "wrong"])
async def test_any_other_error_is_the_callers(database_url: str, error: Exception) -> None:
    def write(tx: Transaction) -> None:
        raise error

    async with staged(database_url, []) as stage:
        with pytest.raises(type(error)):
            await insist(stage.process._committer, write)


async def test_a_process_that_has_ended_insists_no_longer(database_url: str) -> None:
    async with staged(database_url, []) as stage:
        pass
    with pytest.raises(Unavailable):
        await insist(stage.process._committer, note, "too late")
