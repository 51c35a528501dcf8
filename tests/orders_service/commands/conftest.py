"""A terminal before the shop."""

from collections.abc import AsyncIterator

import pytest
import structlog

from tests.builders.shop import Shop
from tests.builders.terminal import Terminal, terminal_at


@pytest.fixture(autouse=True)
def the_service_has_another_terminal(plain_logs: None) -> None:
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())


@pytest.fixture
async def terminal(
    corner_shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> AsyncIterator[Terminal]:
    async with terminal_at(corner_shop, monkeypatch, capsys) as terminal:
        yield terminal
