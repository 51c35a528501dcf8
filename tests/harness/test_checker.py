"""The judge is judged: a consistent story breaks nothing, and each way to break it is seen under its own name."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.harness.checker import CANCELLED, REQUESTED, STEPS, Evidence, SentMail, violations
from tests.harness.facts import Facts, Shelf, StoredAnswer, StoredAttempt, StoredOrder, StoredRun
from tests.harness.ledger import digest

DONE, UNDONE = "order-done", "order-undone"
Story = Callable[[Evidence], Evidence]


def test_a_consistent_story_breaks_no_promise() -> None:
    assert violations(_story()) == []


@pytest.mark.parametrize(
    ("invariant", "change"),
    [
        ("I1", lambda e: _with(e, orders={DONE: e.facts.orders[DONE]})),
        (
            "I1",
            lambda e: _with(e, runs=e.facts.runs | {"run-done": StoredRun("run-done", "fulfill-order", "waiting", 0)}),
        ),
        ("I1", lambda e: _with(e, orders=e.facts.orders | {DONE: StoredOrder(DONE, "pending", "run-done")})),
        ("I1", lambda e: replace(e, excused=frozenset())),
        ("I2", lambda e: _with(e, answers=e.facts.answers[1:])),
        ("I2", lambda e: _with(e, answers=[*e.facts.answers, replace(e.facts.answers[0], key="again")])),
        ("I2", lambda e: _with(e, lines=e.facts.lines | {DONE: {"lamp": 2}})),
        ("I2", lambda e: replace(e, client=[*e.client, _ok("key-done", DONE, b"other bytes")])),
        ("I3", lambda e: _with(e, stock={"lamp": Shelf(8, 1)})),
        ("I3", lambda e: _with(e, stock={"lamp": Shelf(8, 2)})),
        ("I3", lambda e: _with(e, stock={"lamp": Shelf(11, -1)})),
        ("I3", lambda e: _with(e, holds={DONE: {"lamp": 2}})),
        ("I4", lambda e: _attempted(e, "run-done", *STEPS[:2])),
        ("I4", lambda e: _attempted(e, "run-done", *reversed(STEPS))),
        ("I4", lambda e: _attempted(e, "run-done", *STEPS, *STEPS[3:])),
        ("I4", lambda e: replace(e, receiver=[_delivery(DONE, at=2.5), *e.receiver[1:]])),
        ("I5", lambda e: replace(e, receiver=e.receiver[1:])),
        ("I5", lambda e: replace(e, receiver=[*e.receiver, _delivery(DONE, webhook_id="another")])),
        ("I5", lambda e: replace(e, receiver=[*e.receiver, _delivery(DONE, body="another")])),
        ("I5", lambda e: replace(e, receiver=[*e.receiver, _delivery(DONE, valid=False)])),
        ("I5", lambda e: replace(e, receiver=[*e.receiver, _delivery("nobody's")])),
        ("I6", lambda e: replace(e, mails=e.mails[1:])),
        ("I6", lambda e: replace(e, mails=[*e.mails, SentMail("again", DONE)])),
        ("I6", lambda e: replace(e, mails=[*e.mails, SentMail("to nobody", "nobody's")])),
        ("I7", lambda e: _with(e, holds=e.facts.holds | {UNDONE: {"lamp": 1}})),
        ("I7", lambda e: _with(e, holds={})),
        ("I7", lambda e: _undone(e, "reserve_stock", "notify_warehouse")),
        ("I7", lambda e: _undone(e, "notify_warehouse", "reserve_stock", "reserve_stock")),
        ("I7", lambda e: replace(e, receiver=[*e.receiver, _delivery(UNDONE, at=99.0)])),
        ("I13", lambda e: _with(e, damage=["page 7 is never used"])),
    ],
)
def test_a_broken_promise_is_seen(invariant: str, change: Story) -> None:
    assert any(violation.startswith(f"{invariant}:") for violation in violations(change(_story())))


def test_a_request_that_was_accepted_late_is_forgiven_once_it_is_cancelled_there() -> None:
    story = _story()
    late, cancelled = _delivery(UNDONE, at=50.0), _delivery(UNDONE, kind=CANCELLED, webhook_id="c", at=51.0)
    assert violations(replace(story, receiver=[*story.receiver, late, cancelled])) == []


def _story() -> Evidence:
    """One order that was completed, and one whose warehouse refused it for good."""
    answers = [_answer("key-done", DONE), _answer("key-undone", UNDONE)]
    facts = Facts(
        orders={DONE: StoredOrder(DONE, "completed", "run-done"), UNDONE: StoredOrder(UNDONE, "failed", "run-undone")},
        lines={DONE: {"lamp": 1}, UNDONE: {"lamp": 1}},
        holds={DONE: {"lamp": 1}},
        stock={"lamp": Shelf(9, 1)},
        runs={
            "run-done": StoredRun("run-done", "fulfill-order", "completed", 0),
            "run-undone": StoredRun("run-undone", "fulfill-order", "failed", 0),
        },
        attempts={},
        answers=answers,
        damage=[],
    )
    evidence = Evidence(
        facts=facts,
        client=[
            *(_invoked(answer.key) for answer in answers),
            *(_ok(answer.key, json.loads(answer.body)["id"], answer.body) for answer in answers),
        ],
        receiver=[_delivery(DONE), _delivery(UNDONE, status=500)],
        mails=[SentMail("m-1", DONE), SentMail("m-2", UNDONE)],
        initial_stock={"lamp": 10},
        excused=frozenset({UNDONE}),
    )
    evidence = _attempted(evidence, "run-done", *STEPS)
    evidence = _attempted(evidence, "run-undone", *STEPS[:3])
    return _undone(evidence, "notify_warehouse", "reserve_stock")


def _with(evidence: Evidence, **facts: Any) -> Evidence:
    return replace(evidence, facts=replace(evidence.facts, **facts))


def _attempted(evidence: Evidence, run: str, *steps: str, kind: str = "do", since: float = 0.0) -> Evidence:
    """These steps of the run succeeded, a second each; its attempts of the other kind stay as they were."""
    kept = [attempt for attempt in evidence.facts.attempts.get(run, []) if attempt.kind != kind]
    made = [
        StoredAttempt(run, 0, step, kind, 1, "success", since + second, since + second + 1)
        for second, step in enumerate(steps)
    ]
    return _with(evidence, attempts=evidence.facts.attempts | {run: [*kept, *made]})


def _undone(evidence: Evidence, *steps: str) -> Evidence:
    return _attempted(evidence, "run-undone", *steps, kind="undo", since=40.0)


def _answer(key: str, order: str) -> StoredAnswer:
    return StoredAnswer(key, 201, json.dumps({"id": order}).encode())


def _invoked(key: str) -> dict[str, Any]:
    return {"event": "invoke", "key": key, "items": [{"sku": "lamp", "quantity": 1}]}


def _ok(key: str, order: str, body: bytes) -> dict[str, Any]:
    return {"event": "ok", "key": key, "order": order, "body_digest": digest(body)}


def _delivery(
    order: str,
    *,
    kind: str = REQUESTED,
    webhook_id: str | None = None,
    body: str = "body",
    at: float = 10.0,
    valid: bool = True,
    status: int = 200,
) -> dict[str, Any]:
    return {
        "order": order,
        "type": kind,
        "id": webhook_id or f"{kind} {order}",
        "body_digest": body,
        "at": at,
        "valid": valid,
        "accepted": status == 200,
    }
