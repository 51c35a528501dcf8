"""Somebody who types commands: at a terminal, or in a script whose output goes into a pipe."""

import asyncio
import io
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from starlette.types import Receive, Scope, Send

from orders_service import cli
from orders_service.settings import PREFIX
from tests.builders.shop import Shop
from tests.harness.uvicorn_server import serving

TOOL = "orders-cli"


class Screen(io.StringIO):
    """What a terminal was sent. Somebody at one can be asked, and answers with the lines of `typed`."""

    def __init__(self, typed: str = "") -> None:
        super().__init__(typed)

    def isatty(self) -> bool:
        return True


@dataclass(frozen=True)
class Said:
    """What was printed, and what was complained of."""

    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def complaint(self) -> str:
        """The one line that it is."""
        [line] = self.err.splitlines()
        assert self.out == ""
        return line


class Terminal:
    """Types commands at a service that is served from this event loop."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *first: str) -> None:
        self._monkeypatch, self._capsys, self._first = monkeypatch, capsys, first

    async def run(self, *words: str, code: int = 0, typed: str | None = None) -> Said:
        """In a script; or, with what is `typed` at its questions, with somebody sitting there."""
        with self._monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", io.StringIO() if typed is None else Screen(typed))
            assert await asyncio.to_thread(self._ended, *words) == code, self._capsys.readouterr()
        said = self._capsys.readouterr()
        return Said(said.out, said.err)

    async def shown(self, *words: str, code: int = 0, columns: int = 300) -> str:
        """What a terminal was sent, with whatever steers it."""
        screen = Screen()
        with self._monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", screen)
            patch.setenv("TERM", "xterm-256color")
            patch.setenv("COLUMNS", str(columns))
            await self.run(*words, code=code)
        return screen.getvalue()

    def _ended(self, *words: str) -> int:
        self._monkeypatch.setattr(sys, "argv", ["orders", *self._first, *words])
        try:
            cli.main()
        except SystemExit as end:
            return int(end.code or 0)


@asynccontextmanager
async def terminal_at(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *first: str
) -> AsyncIterator[Terminal]:
    """`first` are the words that each command begins with. Nothing is set but the port of this shop."""
    for name in [name for name in os.environ if name.upper().startswith(PREFIX)]:
        monkeypatch.delenv(name)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await shop._with_state(scope, receive, send)

    async with serving(app) as (_, port):
        monkeypatch.setenv("ORDERS_PORT", str(port))
        yield Terminal(monkeypatch, capsys, *first)
