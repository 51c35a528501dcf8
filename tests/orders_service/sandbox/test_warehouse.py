"""The sandbox warehouse: what it accepts, and what it remembers."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orders_service.gateways import SignatureRefused, Signatures
from orders_service.sandbox import SandboxWarehouse
from orders_service.sandbox.warehouse import MOST_SHOWN, UnreadableEvent
from tests.builders.fulfillment import OTHER_SECRET, SECRET

EVENT = '{"type":"order.fulfillment_requested"}'


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return tmp_path / "sandbox" / "warehouse.jsonl"


def send(warehouse: SandboxWarehouse, key: str = "k-1", *, body: str = EVENT, secret: str = SECRET) -> bool:
    headers = Signatures([secret]).headers(key, body, now=datetime.now(UTC))
    return warehouse.receive(body.encode(), headers)


def test_a_new_event_is_accepted(ledger: Path) -> None:
    assert send(SandboxWarehouse([SECRET], ledger))


def test_a_repeated_event_is_not_accepted_again(ledger: Path) -> None:
    warehouse = SandboxWarehouse([SECRET], ledger)
    send(warehouse)
    assert not send(warehouse)
    assert [receipt.id for receipt in warehouse.received()] == ["k-1"]


def test_an_event_is_on_disk_before_it_is_answered(ledger: Path) -> None:
    send(SandboxWarehouse([SECRET], ledger))
    entry = json.loads(ledger.read_text())
    assert (entry["id"], entry["event"]) == ("k-1", {"type": "order.fulfillment_requested"})


def test_it_remembers_after_a_restart(ledger: Path) -> None:
    earlier = SandboxWarehouse([SECRET], ledger)
    send(earlier)
    warehouse = SandboxWarehouse([SECRET], ledger)
    assert not send(warehouse)
    assert warehouse.received() == earlier.received()


def test_a_line_cut_by_a_crash_was_never_accepted(ledger: Path) -> None:
    send(SandboxWarehouse([SECRET], ledger))
    ledger.write_bytes(ledger.read_bytes() + b'{"id": "k-2", "recei')
    assert send(SandboxWarehouse([SECRET], ledger), "k-2")
    assert [json.loads(line)["id"] for line in ledger.read_text().splitlines()] == ["k-1", "k-2"]


def test_two_processes_on_one_ledger_are_one_warehouse(ledger: Path) -> None:
    here, there = (SandboxWarehouse([SECRET], ledger) for _ in range(2))
    assert send(here, "k-1")
    assert not send(there, "k-1")
    assert send(there, "k-2")
    assert [receipt.id for receipt in here.received()] == ["k-2", "k-1"]
    assert here.received() == there.received()


def test_it_shows_the_newest_first_and_no_more_than_it_should(ledger: Path) -> None:
    warehouse = SandboxWarehouse([SECRET], ledger)
    for number in range(MOST_SHOWN + 5):
        send(warehouse, f"k-{number}")
    assert [receipt.id for receipt in warehouse.received()] == [f"k-{number}" for number in range(104, 4, -1)]


def test_what_it_no_longer_shows_it_still_knows(ledger: Path) -> None:
    warehouse = SandboxWarehouse([SECRET], ledger)
    for number in range(MOST_SHOWN + 5):
        send(warehouse, f"k-{number}")
    assert not send(warehouse, "k-0")


def test_it_accepts_either_secret_during_a_rotation(ledger: Path) -> None:
    assert send(SandboxWarehouse([OTHER_SECRET, SECRET], ledger))


def test_an_event_signed_by_somebody_else_is_refused(ledger: Path) -> None:
    warehouse = SandboxWarehouse([SECRET], ledger)
    with pytest.raises(SignatureRefused):
        send(warehouse, secret=OTHER_SECRET)
    assert not warehouse.received()


@pytest.mark.parametrize("body", ["", "not json", "[]", "null", '{"a": NaN}', '{"a": "\\ud800"}', "[" * 60_000])
def test_a_signed_body_that_is_no_event_is_unreadable(ledger: Path, body: str) -> None:
    warehouse = SandboxWarehouse([SECRET], ledger)
    with pytest.raises(UnreadableEvent):
        send(warehouse, body=body)
    assert not warehouse.received()
