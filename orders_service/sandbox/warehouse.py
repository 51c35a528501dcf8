"""A warehouse inside the development profile: verifies signatures, remembers ids, and shows what it received."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from orders_service.gateways import Signatures
from orders_service.sandbox.ledgers import Ledger

MOST_SHOWN = 100


class UnreadableEvent(Exception):
    """Well signed, but not the JSON object that an event is."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """One event that was accepted; a repetition of it has none of its own."""

    id: str
    received_at: str
    event: dict[str, Any]


class SandboxWarehouse:
    """Its memory is the ledger, which it shares with those of other processes: together they are one warehouse."""

    def __init__(self, secrets: Sequence[str], ledger: Path) -> None:
        self._signatures = Signatures(secrets)
        self._ledger = Ledger(ledger)
        self._known: set[str] = set()
        self._shown: deque[Receipt] = deque(maxlen=MOST_SHOWN)

    def receive(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """Whether this id is new, and so accepted. Raises `SignatureRefused` or `UnreadableEvent`."""
        self._signatures.verify(body, headers)
        key = headers["webhook-id"]
        with self._ledger.alone():
            self._catch_up()
            if key in self._known:
                return False
            receipt = Receipt(key, datetime.now(UTC).isoformat().replace("+00:00", "Z"), _event(body))
            self._ledger.append(asdict(receipt))
        self._remember(receipt)
        return True

    def received(self) -> list[Receipt]:
        """The latest receipts, newest first."""
        self._catch_up()
        return list(reversed(self._shown))

    def _catch_up(self) -> None:
        for entry in self._ledger.news():
            self._remember(Receipt(**entry))

    def _remember(self, receipt: Receipt) -> None:
        self._known.add(receipt.id)
        self._shown.append(receipt)


def _event(body: bytes) -> dict[str, Any]:
    try:
        event = from_json(body, allow_inf_nan=False)  # unlike the standard library's, what it takes can be shown again
    except ValueError as error:
        raise UnreadableEvent("not JSON") from error
    if not isinstance(event, dict):
        raise UnreadableEvent("not a JSON object")
    return event
