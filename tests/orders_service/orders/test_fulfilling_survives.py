"""An order is fulfilled once, or undone whole, wherever its process dies."""

from collections.abc import Mapping
from typing import Any

import pytest

from orders_service import inventory, tables
from orders_service.gateways import Mail, Warehouse, WarehouseRefused
from orders_service.idempotency import OnceKey
from orders_service.orders.fulfilling import fulfill_order
from orders_service.orders.placing import place_order
from orders_service.orders.schemas import OrderDraft
from orders_service.orders.telling import tell_customer
from pipelines import RunState, Transaction
from pipelines.testing import Survivor, survives_every_crash
from tests.builders.gateways import FakeMail, FakeWarehouse
from tests.builders.orders import an_order
from tests.builders.shop import SHELF

_ = tables  # all of the service's, so that they are made
REFUSED = [WarehouseRefused("no such article")] * 2  # by the process that dies, and by the one that carries on


def place(tx: Transaction) -> object:
    return place_order(tx, OrderDraft(**an_order(mug=2, lamp=1)), OnceKey("a test", "once"), "ada")


def outside(*, refuses: bool) -> Mapping[Any, object]:
    warehouse = FakeWarehouse()
    warehouse.door.troubles = list(REFUSED) if refuses else []
    return {Warehouse: warehouse, Mail: FakeMail()}


@pytest.mark.parametrize(
    ("refuses", "state", "cancelled", "deaths"),
    [(False, RunState.COMPLETED, 0, 16), (True, RunState.FAILED, 1, 28)],
    ids=["fulfilled", "refused"],
)
async def test_an_order_survives_every_crash(
    refuses: bool,  # noqa: FBT001 - a parameter of the test
    state: RunState,
    cancelled: int,
    deaths: int,
) -> None:
    def check(survivor: Survivor) -> None:
        warehouse, mail = survivor.provided[Warehouse], survivor.provided[Mail]
        assert survivor.run.state is state
        assert len({key for key, _ in mail.confirmations}) == 1
        assert len(set(warehouse.requests)) == 1  # one key, one body
        assert len(set(warehouse.cancellations)) == cancelled

    points = await survives_every_crash(
        fulfill_order,
        begin=place,
        provide=lambda: outside(refuses=refuses),
        prepare=lambda tx: inventory.seed(tx, SHELF),
        check=check,
        beside=[tell_customer],
    )
    assert len(points) == deaths
