"""Who listens: the endpoints that are sent events, kept in memory for as long as nobody changes one."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import chain
from typing import TypeAlias
from uuid import UUID
from weakref import WeakKeyDictionary

from orders_service.subscriptions import listening_queries as queries
from orders_service.subscriptions.events import EVENTS, is_public
from pipelines import Transaction


@dataclass(frozen=True, slots=True)
class Audience:
    """The endpoints that asked for one type of event: those that see everything, and all others by their owner."""

    seeing_everything: list[UUID] = field(default_factory=list)
    of: defaultdict[str, list[UUID]] = field(default_factory=lambda: defaultdict(list))

    def told(self, event_type: str, owner: str | None) -> Iterator[UUID]:
        """Those of them that may hear of this one."""
        yield from self.seeing_everything
        if owner is not None:
            yield from self.of.get(owner, ())
        elif is_public(event_type):
            yield from chain.from_iterable(self.of.values())


Listeners: TypeAlias = Mapping[str, Audience]
"""By type; one that nobody asked for is not in it."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """Who listens in one revision."""

    revision: int
    listeners: Listeners


_KEPT: WeakKeyDictionary[object, _Kept] = WeakKeyDictionary()  # by process; only its committer's thread touches it
_NOTED = "webhook listeners"


def listeners(tx: Transaction) -> Listeners:
    """As of this moment of the batch. The database is asked once per batch, unless the batch itself changes endpoints.

    What is kept was read by a batch that had changed none until then: so it holds what others have committed, whatever
    becomes of that batch.
    """
    changes = queries.changes_so_far(tx)
    noted: Listeners | None = tx.noted.get((_NOTED, changes))
    if noted is None:
        noted = _loaded(tx) if changes else _kept(tx)
        tx.noted[_NOTED, changes] = noted
    return noted


def _kept(tx: Transaction) -> Listeners:
    """The revision is read first: what is kept may be newer than it says, and never older."""
    revision = queries.revision(tx)
    kept = _KEPT.get(tx.home)
    if kept is None or kept.revision != revision:
        kept = _KEPT[tx.home] = _Kept(revision, _loaded(tx))
    return kept.listeners


def _loaded(tx: Transaction) -> Listeners:
    audiences: defaultdict[str, Audience] = defaultdict(Audience)
    for endpoint_id, owner, sees_everything, names in queries.listening(tx):
        for event_type in _meant_by(names):
            audience = audiences[event_type]
            (audience.seeing_everything if sees_everything else audience.of[owner]).append(endpoint_id)
    return dict(audiences)


def _meant_by(names: Iterable[str]) -> set[str]:
    return set(chain.from_iterable(map(_types_named, names)))


@cache
def _types_named(name: str) -> tuple[str, ...]:
    """What an endpoint asks for by this name: `order.*` stands for all that begin so."""
    return tuple(each for each in EVENTS if name in {each, f"{each.partition('.')[0]}.*"})
