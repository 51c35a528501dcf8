"""The demonstration's own warehouse is as unreliable as it is told to be, and takes each id once."""

import json
import threading
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from orders_service.demo.warehouse import Fate, Warehouse
from orders_service.gateways import Signatures
from orders_service.settings import DEVELOPMENT_SECRET

SIGNATURES = Signatures([DEVELOPMENT_SECRET])
REQUESTED, CANCELLED = "order.fulfillment_requested", "order.fulfillment_cancelled"


@pytest.fixture
def warehouse() -> Warehouse:
    return Warehouse(SIGNATURES, {"good": Fate.TAKEN, "odd": Fate.FLAKY, "bad": Fate.REFUSED, "mute": Fate.UNHEARD})


def webhook(name: str, *, webhook_id: str = "w1", kind: str = REQUESTED) -> tuple[Mapping[str, str], bytes]:
    data = {"order_id": name} | ({"shipping_address": {"name": name}} if kind == REQUESTED else {})
    body = json.dumps({"type": kind, "data": data})
    return SIGNATURES.headers(webhook_id, body, now=datetime.now(UTC)), body.encode()


def test_an_id_that_comes_again_is_taken_once(warehouse: Warehouse) -> None:
    assert [warehouse.receive(*webhook("good")) for _ in range(2)] == [200, 200]
    assert (warehouse.parcels, warehouse.asked_for) == ({"good": ["w1"]}, {"good": ["w1", "w1"]})


def test_another_id_for_the_same_order_is_another_parcel(warehouse: Warehouse) -> None:
    for webhook_id in ("w1", "w2"):
        warehouse.receive(*webhook("good", webhook_id=webhook_id))
    assert warehouse.parcels == {"good": ["w1", "w2"]}


def test_a_flaky_order_is_taken_in_the_end(warehouse: Warehouse) -> None:
    assert [warehouse.receive(*webhook("odd")) for _ in range(4)] == [500, 500, 200, 200]
    assert warehouse.parcels == {"odd": ["w1"]}


def test_what_is_refused_is_not_taken_but_may_be_taken_back(warehouse: Warehouse) -> None:
    assert warehouse.receive(*webhook("bad")) == 422
    assert warehouse.receive(*webhook("bad", webhook_id="w2", kind=CANCELLED)) == 200
    assert (warehouse.parcels, warehouse.called_off) == ({}, {"bad": ["w2"]})


def test_what_is_not_signed_is_not_heard(warehouse: Warehouse) -> None:
    _, body = webhook("good")
    assert warehouse.receive(webhook("odd")[0], body) == 401
    assert warehouse.asked_for == {}


def test_nobody_hears_what_was_taken_until_it_may_speak(warehouse: Warehouse) -> None:
    answers: list[int] = []
    calling = threading.Thread(target=lambda: answers.append(warehouse.receive(*webhook("mute"))))
    calling.start()
    assert warehouse.until(lambda: "mute" in warehouse.parcels, seconds=10)
    assert answers == []
    warehouse.speak()
    calling.join()
    assert answers == [200]
