"""The warehouse of the demonstration: it remembers ids, and is as unreliable as it is told to be."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from orders_service.gateways import SignatureRefused, Signatures

TROUBLES = 2  # what a flaky order meets with before it is accepted
_OK, _UNSIGNED, _REFUSED, _BROKEN = 200, 401, 422, 500


class Fate(Enum):
    """What the warehouse does about an order."""

    TAKEN = auto()
    FLAKY = auto()  # an error first, and again; then taken
    REFUSED = auto()  # for good
    UNHEARD = auto()  # taken, but nobody hears of it until the warehouse is let speak


@dataclass
class Warehouse:
    """Accepts each webhook-id once. `fates` are by the name on the parcel, which is known before the order's id."""

    signatures: Signatures
    fates: Mapping[str, Fate]
    parcels: dict[str, list[str]] = field(default_factory=dict)
    called_off: dict[str, list[str]] = field(default_factory=dict)
    asked_for: dict[str, list[str]] = field(default_factory=dict)
    _known: set[str] = field(default_factory=set)
    _news: threading.Condition = field(default_factory=threading.Condition)
    _may_speak: threading.Event = field(default_factory=threading.Event)

    def until(self, condition: Callable[[], bool], *, seconds: float) -> bool:
        """Whether it came to hold in time; it is looked at after each request."""
        with self._news:
            return self._news.wait_for(condition, seconds)

    def speak(self) -> None:
        """Answer those who wait, and from now on everybody at once."""
        self._may_speak.set()

    def receive(self, headers: Mapping[str, str], body: bytes) -> int:
        """The status to answer with."""
        try:
            self.signatures.verify(body, headers)
        except SignatureRefused:
            return _UNSIGNED
        with self._news:
            status, is_new = self._judge(headers["webhook-id"], json.loads(body))
            self._news.notify_all()
        if is_new and self._fate_of(json.loads(body)) is Fate.UNHEARD:
            self._may_speak.wait()
        return status

    def _judge(self, webhook_id: str, event: dict[str, Any]) -> tuple[int, bool]:
        """The answer, and whether something was taken that had not been taken before."""
        order, is_request = event["data"]["order_id"], event["type"] == "order.fulfillment_requested"
        if is_request:
            self.asked_for.setdefault(order, []).append(webhook_id)
        if webhook_id in self._known:
            return _OK, False
        fate = self._fate_of(event)
        if fate is Fate.REFUSED:
            return _REFUSED, False
        if fate is Fate.FLAKY and len(self.asked_for[order]) <= TROUBLES:
            return _BROKEN, False
        self._known.add(webhook_id)
        (self.parcels if is_request else self.called_off).setdefault(order, []).append(webhook_id)
        return _OK, True

    def _fate_of(self, event: dict[str, Any]) -> Fate:
        address = event["data"].get("shipping_address")  # what is taken back names none, and is taken back
        return self.fates[address["name"]] if address is not None else Fate.TAKEN


class _Door(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Whoever was killed does not hear the answer."""


@contextmanager
def open_for_business(warehouse: Warehouse) -> Iterator[str]:
    """On a free port of the loopback; gives the URL."""

    class Desk(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(warehouse.receive({name.lower(): value for name, value in self.headers.items()}, body))
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """The story is told elsewhere."""

    with _Door(("127.0.0.1", 0), Desk) as door:
        serving = threading.Thread(target=door.serve_forever, name="warehouse", daemon=True)
        serving.start()
        try:
            yield f"http://127.0.0.1:{door.server_port}/fulfillment"
        finally:
            warehouse.speak()
            door.shutdown()
            serving.join()
