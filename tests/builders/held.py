"""A report that is held, or hindered, while it is being counted."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, event

from tests.builders.shop import Shop

_LONGEST_SECONDS = 60


class Held:
    """The counting stops before it reads the lines of orders for the first time, and goes on when it is let go."""

    def __init__(self) -> None:
        self._has_begun, self._may_go_on = threading.Event(), threading.Event()

    async def has_begun(self) -> None:
        assert await asyncio.to_thread(self._has_begun.wait, _LONGEST_SECONDS)

    def let_go(self) -> None:
        self._may_go_on.set()

    def before(self, connection: Connection, cursor: Any, sql: str, *_: Any) -> None:
        if "JOIN order_lines" in sql and not self._has_begun.is_set():
            if connection.dialect.name == "postgresql":  # it would end a transaction that is idle for five seconds
                cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            self._has_begun.set()
            self._may_go_on.wait(_LONGEST_SECONDS)


@contextmanager
def counting_held(shop: Shop) -> Iterator[Held]:
    held = Held()
    event.listen(shop.process.readers, "before_cursor_execute", held.before)  # for as long as the shop is open
    try:
        yield held
    finally:
        held.let_go()


def hinder(shop: Shop, *troubles: Exception) -> None:
    """What the next readings of orders get, one each."""
    waiting = list(troubles)

    def trouble(_: Any, __: Any, sql: str, *___: Any) -> None:
        if "JOIN order_lines" in sql and waiting:
            raise waiting.pop(0)

    event.listen(shop.process.readers, "before_cursor_execute", trouble)
