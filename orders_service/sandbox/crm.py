"""A CRM inside the development profile: remembers the latest word about each user, and shows what it has received."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from orders_service.sandbox.ledgers import Ledger

MOST_SHOWN = 100
LONGEST_KEY = 255


class UnreadableUser(Exception):
    """Not the JSON object that a user is, or without the key under which it is told."""


@dataclass(frozen=True, slots=True)
class KnownUser:
    """The latest word about one user, and under which key it came."""

    id: str
    received_at: str
    key: str
    user: dict[str, Any]


class SandboxCrm:
    """Its memory is the ledger, which it shares with those of other processes: together they are one CRM."""

    def __init__(self, ledger: Path) -> None:
        self._ledger = Ledger(ledger)
        self._known: dict[str, KnownUser] = {}
        self._keys: set[tuple[str, str]] = set()

    def put(self, user_id: str, body: bytes, key: str) -> bool:
        """Whether it is new, and not the same call again. Raises `UnreadableUser`."""
        if not 0 < len(key) <= LONGEST_KEY:
            raise UnreadableUser("no Idempotency-Key")
        with self._ledger.alone():
            self._catch_up()
            if (user_id, key) in self._keys:
                return False
            known = KnownUser(user_id, datetime.now(UTC).isoformat().replace("+00:00", "Z"), key, _object(body))
            self._ledger.append(asdict(known))
        self._remember(known)
        return True

    def users(self) -> list[KnownUser]:
        """Whom it was told of last comes first."""
        self._catch_up()
        return list(reversed(self._known.values()))[:MOST_SHOWN]

    def _catch_up(self) -> None:
        for entry in self._ledger.news():
            self._remember(KnownUser(**entry))

    def _remember(self, known: KnownUser) -> None:
        self._known.pop(known.id, None)  # whoever is told anew goes to the end
        self._known[known.id] = known
        self._keys.add((known.id, known.key))


def _object(body: bytes) -> dict[str, Any]:
    try:
        user = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise UnreadableUser("not JSON") from error
    if not isinstance(user, dict):
        raise UnreadableUser("not a JSON object")
    return user
