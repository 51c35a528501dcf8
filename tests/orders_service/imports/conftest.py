"""What the tests of imports share."""

from collections.abc import Iterator
from typing import Any

import pytest

from orders_service.imports import ImportDesk, chunks
from orders_service.imports.chunks import Chunk
from tests.builders.gateways import Door


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    """Between two chunks, of two orders each: closed, every chunk but the first waits there."""
    door, write = Door(), ImportDesk.write_chunk

    async def write_behind_the_door(desk: ImportDesk, import_id: Any, principal: str, chunk: Chunk) -> Any:
        if chunk.begins_at.byte:
            await door.knock()
        return await write(desk, import_id, principal, chunk)

    monkeypatch.setattr(chunks, "MOST_ORDERS", 2)
    monkeypatch.setattr(ImportDesk, "write_chunk", write_behind_the_door)
    yield door
    door.open()
