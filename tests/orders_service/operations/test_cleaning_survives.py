"""Cleaning removes each thing once, and all of it, wherever its process dies."""

from datetime import UTC, datetime, timedelta

from orders_service import tables
from orders_service.auth import open_session
from orders_service.operations import cleaning
from pipelines import Transaction
from pipelines.testing import Survivor, survives_every_crash

_ = tables  # all of the service's, so that they are made


def _three_have_ended(tx: Transaction) -> None:
    for _ in range(3):
        open_session(tx, "ada", lasts=-timedelta(hours=1))


async def test_cleaning_survives_every_crash() -> None:
    def check(survivor: Survivor) -> None:
        result = survivor.run.returned_by("remove_sessions")
        assert result is not None
        assert result.text == '{"removed":3,"goes_on":false}'

    points = await survives_every_crash(
        cleaning.cleanup_sessions,
        cleaning.EndedBefore(moment=datetime.now(UTC)),
        prepare=_three_have_ended,
        check=check,
    )
    assert points
