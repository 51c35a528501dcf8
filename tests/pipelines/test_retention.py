"""How long runs are kept."""

from datetime import timedelta

import pytest

from pipelines import Retention, RunState, WiringError
from pipelines.run import OPEN


def test_what_failed_is_kept_and_what_is_open_cannot_be_named() -> None:
    kept = set(RunState) - set(Retention().ages)
    assert kept == {RunState.FAILED, RunState.QUARANTINED, *OPEN}


def test_an_age_of_none_keeps_them() -> None:
    assert RunState.COMPLETED not in Retention(completed=None).ages


def test_an_age_before_the_end_is_refused() -> None:
    with pytest.raises(WiringError):
        Retention(failed=timedelta(seconds=-1))
