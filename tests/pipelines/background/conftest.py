"""Errands are remembered per test."""

from collections.abc import Iterator

import pytest

from tests.builders import errands


@pytest.fixture(autouse=True)
def nothing_done_yet() -> Iterator[None]:
    errands.forget()
    yield
    errands.forget()
