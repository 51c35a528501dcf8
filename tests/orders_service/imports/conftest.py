"""What the tests of imports share."""

from collections.abc import Iterator

import pytest

from tests.builders.gateways import Door
from tests.builders.imports import door_between_chunks


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    """Between two chunks, of two orders each: closed, every chunk but the first waits there."""
    door = door_between_chunks(monkeypatch)
    yield door
    door.open()
