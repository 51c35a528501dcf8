"""Errands are remembered per test."""

from collections.abc import Iterator

import pytest

from tests.builders import errands
from tests.builders.kinds import OURS, THEIRS, Kind


@pytest.fixture(autouse=True)
def nothing_done_yet() -> Iterator[None]:
    errands.forget()
    yield
    errands.forget()


@pytest.fixture(params=[THEIRS, OURS], ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> Kind:
    """FastAPI's own class, and ours: where both are meant to behave alike."""
    found: Kind = request.param
    return found
