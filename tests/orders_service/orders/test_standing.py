from datetime import UTC, datetime
from uuid import UUID

import pytest

from orders_service.orders.schemas import OrderStatus
from orders_service.orders.standing import reason_of, status_of
from orders_service.orders.tables import Order
from pipelines import RunStanding, RunState

READY, RUNNING, WAITING, UNDOING = RunState.READY, RunState.RUNNING, RunState.WAITING, RunState.UNDOING


def an_order(status: str = "pending", reason: str | None = None) -> Order:
    return Order(
        id=UUID(int=1),
        principal="ada",
        status=status,
        reason=reason,
        customer_email="ada@example.com",
        total_amount=1,
        total_currency="EUR",
        shipping_address={},
        created_at=datetime(2026, 11, 21, tzinfo=UTC),
        run_id=UUID(int=2),
    )


def a_run(state: RunState, step: str, *, attempt: int = 0, ending: RunState | None = None) -> RunStanding:
    return RunStanding(state, step, attempt, ending, "because" if ending else None)


@pytest.mark.parametrize(
    ("run", "status"),
    [
        (a_run(READY, "validate_order"), "pending"),
        (a_run(RUNNING, "validate_order"), "pending"),
        (a_run(RUNNING, "reserve_stock"), "validated"),
        (a_run(RUNNING, "send_confirmation"), "reserved"),
        (a_run(WAITING, "send_confirmation", attempt=3), "reserved"),
        (a_run(READY, "notify_warehouse"), "confirmed"),
        (a_run(RUNNING, "notify_warehouse"), "fulfilling"),
        (a_run(WAITING, "notify_warehouse", attempt=1), "fulfilling"),
        (a_run(RUNNING, "send_confirmation", ending=RunState.CANCELLED), "cancelled"),
        (a_run(UNDOING, "reserve_stock", ending=RunState.FAILED), "failed"),
        (a_run(UNDOING, "reserve_stock", ending=RunState.REJECTED), "rejected"),
        (None, "pending"),
    ],
)
def test_the_status_of_an_open_order_follows_from_its_run(run: RunStanding | None, status: str) -> None:
    assert status_of(an_order(), run) == status


@pytest.mark.parametrize("status", ["completed", "rejected", "failed", "cancelled"])
def test_the_status_of_an_order_that_has_ended_is_its_own(status: str) -> None:
    assert status_of(an_order(status), a_run(RUNNING, "validate_order")) == OrderStatus(status)


def test_the_reason_is_known_while_the_run_is_still_being_undone() -> None:
    assert reason_of(an_order(), a_run(UNDOING, "reserve_stock", ending=RunState.FAILED)) == "because"


def test_the_reason_outlives_the_run() -> None:
    assert reason_of(an_order("failed", "no paper"), None) == "no paper"
