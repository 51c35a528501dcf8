"""Connections to the tests' PostgreSQL are kept for the next engine that asks for the same.

A new one costs the server some ten milliseconds until it has read the catalog, and a test opens five or six. What is
lent again remembers nothing of who had it before, as behind a pooler in session mode.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from psycopg import Connection, Error
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, event, make_url

Asked: TypeAlias = tuple[tuple[str, str], ...]

_TELL = "SELECT pg_stat_force_next_flush()"  # what it has counted, as a backend does that ends
_MOST = 12
_ADAPTERS = "context"  # each engine has its own, and all of ours are alike


@dataclass(frozen=True)
class Kept:
    """An idle connection, what was asked for when it was made, and how to close it."""

    asked: Asked
    connection: Connection[Any]
    really_close: Callable[[], None]

    def answers(self, *questions: str) -> bool:
        """Whether the server still does; outside any transaction."""
        try:
            self.connection.autocommit = True
            for question in questions:
                self.connection.execute(question)
            self.connection.autocommit = False
        except Error:
            self.really_close()
            return False
        return True


class Shelf:
    """Idle connections to one server, named by its host; the oldest go first."""

    def __init__(self) -> None:
        self._host: str | None = None
        self._kept: list[Kept] = []
        self._lock = threading.Lock()
        self._new = threading.local()

    @contextmanager
    def keeping(self, url: str) -> Iterator[None]:
        """What is closed meanwhile, of connections to this server."""
        self._host = _host_of(url)
        try:
            yield
        finally:
            self._host = None
            self.clear()

    def lend(self, _dialect: object, _record: object, _args: object, params: dict[str, Any]) -> Connection[Any] | None:
        """Instead of a new one, if there is one that still works."""
        asked = tuple(sorted((name, str(value)) for name, value in params.items() if name != _ADAPTERS))
        self._new.asked = asked if "options" in params and params.get("host") == self._host else None
        while (found := self._taken(asked)) is not None:
            if found.answers(""):
                return found.connection
        return None

    def mark(self, connection: Any, _record: object) -> None:
        """Whoever closes it puts it back."""
        asked, self._new.asked = getattr(self._new, "asked", None), None
        if asked is not None and "close" not in vars(connection):
            connection.close = partial(self._put_back, Kept(asked, connection, connection.close))

    def pids(self) -> list[int]:
        """Of the server's processes at their other ends."""
        with self._lock:
            return [kept.connection.info.backend_pid for kept in self._kept if not kept.connection.closed]

    def clear(self) -> None:
        """End them all."""
        with self._lock:
            kept, self._kept = self._kept, []
        for each in kept:
            each.really_close()

    def _put_back(self, kept: Kept) -> None:
        status = kept.connection.pgconn.transaction_status
        if self._host is None or status != TransactionStatus.IDLE:  # it may be closed, or broken
            kept.really_close()
        elif kept.answers("DISCARD ALL", _TELL):
            with self._lock:
                self._kept.append(kept)
                oldest = self._kept.pop(0) if len(self._kept) > _MOST else None
            if oldest is not None:
                oldest.really_close()

    def _taken(self, asked: Asked) -> Kept | None:
        with self._lock:
            for kept in self._kept:
                if kept.asked == asked:
                    self._kept.remove(kept)
                    return kept
        return None


@contextmanager
def open_shelf() -> Iterator[Shelf]:
    """For all engines of this process."""
    shelf = Shelf()
    listeners = (("do_connect", shelf.lend), ("connect", shelf.mark))
    for name, listener in listeners:
        event.listen(Engine, name, listener)
    try:
        yield shelf
    finally:
        for name, listener in listeners:
            event.remove(Engine, name, listener)


def _host_of(url: str) -> str:
    parsed = make_url(url)
    return str(parsed.query.get("host") or parsed.host)
