"""Statements are compiled once for all engines of a test session: each test has its own, for milliseconds often.

SQLAlchemy keeps what it has compiled by engine, and by the identity of its dialect. Ours differ in nothing that SQL is
made of.
"""

from typing import Any

from sqlalchemy import Engine
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache

_MOST = 2000


def share() -> None:
    """From here on, for all engines."""
    everything: LRUCache[Any, Any] = LRUCache(_MOST)
    changed: dict[type, dict[str, object]] = {
        DefaultDialect: {"__hash__": lambda it: hash(type(it)), "__eq__": lambda it, other: type(it) is type(other)},
        Engine: {"_compiled_cache": property(lambda _: everything, lambda *_: None)},
    }
    for place, attributes in changed.items():
        for name, value in attributes.items():
            setattr(place, name, value)
