"""The judge: holds what clients and receivers heard against the final database, and lists every broken promise.

Each check stands for one invariant of the reliability plan and gives its violations in words; none means it holds.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email.parser import BytesHeaderParser
from pathlib import Path

from tests.harness.facts import Facts, StoredAttempt, StoredOrder
from tests.harness.ledger import Entry, digest, events

STEPS = ("validate_order", "reserve_stock", "send_confirmation", "notify_warehouse")
TERMINAL = {"completed", "rejected", "failed", "cancelled", "quarantined"}
UNDONE = {"rejected", "failed", "cancelled"}
REQUESTED = "order.fulfillment_requested"
CANCELLED = "order.fulfillment_cancelled"


@dataclass(frozen=True)
class SentMail:
    message_id: str
    order: str


@dataclass(frozen=True)
class Evidence:
    """All that is known afterwards. `excused` are the orders that an injected fault was meant to fail."""

    facts: Facts
    client: Sequence[Entry]
    receiver: Sequence[Entry]
    mails: Sequence[SentMail]
    initial_stock: Mapping[str, int]
    excused: frozenset[str] = field(default_factory=frozenset)

    def deliveries(self, order: str, kind: str = REQUESTED) -> list[Entry]:
        return [entry for entry in self.receiver if entry["order"] == order and entry["type"] == kind]

    def attempts(self, order: StoredOrder, kind: str) -> list[StoredAttempt]:
        """Those of its run's present generation, as they were finished."""
        run = self.facts.runs[order.run_id]
        tried = self.facts.attempts.get(run.id, [])
        return [attempt for attempt in tried if attempt.kind == kind and attempt.generation == run.generation]


Violations = Iterator[str]


def violations(evidence: Evidence) -> list[str]:
    """Everything that is wrong, each with the invariant it breaks."""
    return [f"{name}: {violation}" for name, check in CHECKS.items() for violation in check(evidence)]


def lost(evidence: Evidence) -> Violations:
    """I1: every acknowledged order is stored and has come to an end; each failure is explained."""
    orders, runs = evidence.facts.orders, evidence.facts.runs
    for heard in events(evidence.client, "ok"):
        if heard["order"] not in orders:
            yield f"order {heard['order']} was acknowledged and is not stored"
    for order in orders.values():
        state = runs[order.run_id].state if order.run_id in runs else "gone"
        if state not in TERMINAL:
            yield f"order {order.id}: its run is {state}"
        elif order.status != {"quarantined": "failed"}.get(state, state):
            yield f"order {order.id} is {order.status} and its run {state}"
        if state in {"failed", "quarantined"} and order.id not in evidence.excused:
            yield f"order {order.id}: its run is {state}, and no fault explains it"


def unasked(evidence: Evidence) -> Violations:
    """I2: every order was asked for, a key stands for one order, and each replay is byte-equal."""
    invoked = {entry["key"]: entry["items"] for entry in events(evidence.client, "invoke")}
    stored = {answer.key: answer for answer in evidence.facts.answers if answer.status == 201}
    by_order = Counter(json.loads(answer.body)["id"] for answer in stored.values())
    for order in evidence.facts.orders:
        if by_order[order] != 1:
            yield f"order {order} stands under {by_order[order]} keys"
    for key, answer in stored.items():
        order, items = json.loads(answer.body)["id"], invoked.get(key)
        if items is None:
            yield f"order {order} stands under the key {key}, which no client used"
        elif {item["sku"]: item["quantity"] for item in items} != evidence.facts.lines.get(order):
            yield f"order {order} has other lines than were asked for"
    for heard in events(evidence.client, "ok"):
        if heard["key"] not in stored or digest(stored[heard["key"]].body) != heard["body_digest"]:
            yield f"key {heard['key']}: a client was told other bytes than are remembered"


def unbalanced(evidence: Evidence) -> Violations:
    """I3: per SKU nothing is created or lost, and what is reserved is what orders hold, once a line."""
    held = Counter[str]()
    for order, lines in evidence.facts.holds.items():
        held.update(lines)
        if lines != evidence.facts.lines.get(order):
            yield f"order {order} holds {lines} and consists of {evidence.facts.lines.get(order)}"
    for sku, shelf in evidence.facts.stock.items():
        if min(shelf.available, shelf.reserved, shelf.consumed) < 0:
            yield f"{sku}: {shelf} is negative"
        if shelf.available + shelf.reserved + shelf.consumed != evidence.initial_stock[sku]:
            yield f"{sku}: {shelf} does not add up to {evidence.initial_stock[sku]}"
        if shelf.reserved != held[sku]:
            yield f"{sku}: {shelf.reserved} are reserved and {held[sku]} are held"


def out_of_order(evidence: Evidence) -> Violations:
    """I4: successful attempts are a prefix of the steps, and no effect is seen before the step before it ended."""
    for order in evidence.facts.orders.values():
        done = [attempt.step for attempt in evidence.attempts(order, "do") if attempt.outcome == "success"]
        if tuple(done) != STEPS[: len(done)]:
            yield f"order {order.id}: its steps succeeded as {done}"
        if order.status == "completed" and len(done) < len(STEPS):
            yield f"order {order.id} is completed after {done}"
        before = [
            a.finished_at for a in evidence.attempts(order, "do") if a.step == STEPS[-2] and a.outcome == "success"
        ]
        for delivery in evidence.deliveries(order.id):
            if not before or delivery["at"] < before[0]:
                yield f"order {order.id}: the warehouse was told before {STEPS[-2]} had ended"


def misdelivered(evidence: Evidence) -> Violations:
    """I5: each completed order was accepted once by its id; all its requests are equal and well signed."""
    for entry in evidence.receiver:
        if not entry["valid"]:
            yield f"delivery {entry['id']} was not well signed"
        elif entry["order"] not in evidence.facts.orders:
            yield f"the warehouse was told of order {entry['order']}, which is not stored"
    for order in evidence.facts.orders.values():
        requests = evidence.deliveries(order.id)
        if order.status == "completed" and not any(request["accepted"] for request in requests):
            yield f"order {order.id} is completed and no request of it was accepted"
        if len({(request["id"], request["body_digest"]) for request in requests}) > 1:
            yield f"order {order.id}: its requests differ in id or body"


def unmailed(evidence: Evidence) -> Violations:
    """I6: each completed order was confirmed under one Message-ID; nobody hears of an order that is not stored."""
    ids = defaultdict[str, set[str]](set)
    for mail in evidence.mails:
        ids[mail.order].add(mail.message_id)
    for stranger in ids.keys() - evidence.facts.orders.keys():
        yield f"a mail confirms order {stranger}, which is not stored"
    for order in evidence.facts.orders.values():
        if len(ids[order.id]) > 1 or (order.status == "completed" and not ids[order.id]):
            yield f"order {order.id} is {order.status} and was confirmed by {len(ids[order.id])} mails"


def half_undone(evidence: Evidence) -> Violations:
    """I7: an undone order holds nothing, was undone in reverse, and no warehouse is left believing in it."""
    for order in evidence.facts.orders.values():
        undos = evidence.attempts(order, "undo")
        undone = [attempt.step for attempt in undos if attempt.outcome == "success"]
        if undone != sorted(set(undone), key=STEPS.index, reverse=True):
            yield f"order {order.id}: its undos succeeded as {undone}"
        if order.status in UNDONE and order.id in evidence.facts.holds:
            yield f"order {order.id} is {order.status} and holds stock"
        if order.status == "completed" and order.id not in evidence.facts.holds:
            yield f"order {order.id} is completed and holds nothing"
        if undos and _is_believed_in(evidence, order.id, since=min(undo.started_at for undo in undos)):
            yield f"order {order.id} was accepted by the warehouse after its undoing began, and not cancelled there"


def damaged(evidence: Evidence) -> Violations:
    """I13: the database finds nothing wrong with itself."""
    yield from evidence.facts.damage


CHECKS: dict[str, Callable[[Evidence], Violations]] = {
    "I1": lost,
    "I2": unasked,
    "I3": unbalanced,
    "I4": out_of_order,
    "I5": misdelivered,
    "I6": unmailed,
    "I7": half_undone,
    "I13": damaged,
}


def read_mailbox(folder: Path) -> list[SentMail]:
    """The confirmations in a development mailbox; their subject ends in the order's id."""
    headers = [BytesHeaderParser().parsebytes(path.read_bytes()) for path in folder.glob("[!.]*.eml")]
    confirmations = [mail for mail in headers if mail["Subject"].startswith("Your order ")]
    return [SentMail(mail["Message-ID"], mail["Subject"].split()[-1]) for mail in confirmations]


def _is_believed_in(evidence: Evidence, order: str, *, since: float) -> bool:
    taken = [entry["at"] for entry in evidence.deliveries(order) if entry["accepted"] and entry["at"] >= since]
    cancelled = [entry["at"] for entry in evidence.deliveries(order, CANCELLED) if entry["accepted"]]
    return bool(taken) and max(cancelled, default=0.0) < max(taken)
