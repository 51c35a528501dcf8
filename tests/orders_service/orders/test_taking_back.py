"""An order that the warehouse has is taken back, unless it has left by then."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from orders_service import inventory, tables
from orders_service.gateways import Mail, Warehouse, WarehouseRefused, WarehouseUnavailable
from orders_service.orders.schemas import OrderStatus
from orders_service.orders.tables import Order
from orders_service.orders.taking_back import TakeBack, take_back_order
from orders_service.orders.telling import tell_customer
from pipelines import RunState, Transaction, cancel, start
from pipelines.testing import Survivor, survives_every_crash
from tests.builders.callbacks import NOON, an_event, audited, completed, send, told
from tests.builders.gateways import FakeMail, FakeWarehouse
from tests.builders.orders import a_product, an_address, an_order
from tests.builders.shop import Shop, open_shop

_ = tables  # all of the service's, so that they are made


APPLYING = text("SELECT run_id FROM fulfillment_events")


async def asked_back(shop: Shop, order: Any) -> Any:
    response = await shop.api.post(f"/v1/orders/{order['id']}/cancel")
    assert response.status_code == 202, response.text
    return response.json()


async def refused(shop: Shop, order: Any) -> str:
    response = await shop.api.post(f"/v1/orders/{order['id']}/cancel")
    assert (response.status_code, response.json()["code"]) == (409, "state-conflict")
    return str(response.json()["detail"])


async def test_the_warehouse_is_asked_and_until_it_agrees_the_order_stays(shop: Shop) -> None:
    order = await completed(shop, an_order(mug=3))
    shop.warehouse.back_door.close()
    response = await shop.api.post(f"/v1/orders/{order['id']}/cancel", json={"reason": "ordered twice"})
    run = response.json()["cancellation"]
    assert (response.status_code, response.headers["location"]) == (202, run["url"])
    assert response.json() == {**order, "cancellation": run} == await shop.shown(order)
    await shop.warehouse.back_door.until_somebody_waits()
    assert ((await shop.shown(order))["status"], shop.shelf("mug")) == ("completed", (97, 3))


async def test_when_the_warehouse_agrees_the_order_is_cancelled_and_its_customer_told(shop: Shop) -> None:
    order = await completed(shop, an_order(mug=3))
    await asked_back(shop, order)
    await shop.run_to_the_end()
    shown = await shop.shown(order)
    assert (shown["status"], shown["reason"]) == ("cancelled", "cancelled on request")
    assert (shop.shelf("mug"), shop.count("stock_holds")) == ((100, 0), 0)
    [(_, event)] = shop.warehouse.cancellations
    assert (str(event.data.order_id), event.data.reason) == (order["id"], "cancelled on request")
    assert [letter.subject for letter in shop.mail.notices] == [f"We have cancelled your order {order['id']}"]
    assert audited(shop, order) == [
        ("admin", "order_cancelled", "requested"),
        ("service", "order_cancelled", "done"),
    ]


async def test_its_owner_may_follow_the_run_that_asks(shop: Shop) -> None:
    ada, bob = await shop.client_of("ada"), await shop.client_of("bob")
    order = await completed(shop, by=ada)
    run = (await ada.post(f"/v1/orders/{order['id']}/cancel")).json()["cancellation"]
    await shop.run_to_the_end()
    assert [(await client.get(run["url"])).status_code for client in (ada, bob)] == [200, 404]


async def test_a_warehouse_that_says_no_keeps_the_order_going(shop: Shop) -> None:
    order = await completed(shop, an_order(mug=3))
    shop.warehouse.back_door.troubles = [WarehouseRefused("already packed")]
    await asked_back(shop, order)
    await shop.run_to_the_end()
    assert (await shop.shown(order), shop.shelf("mug")) == (order, (97, 3))
    [letter] = shop.mail.notices
    assert letter.subject == f"We could not cancel your order {order['id']}"
    assert "the warehouse says that it is too late" in letter.text


async def test_after_a_no_it_can_be_asked_for_again_under_another_key(shop: Shop) -> None:
    order = await completed(shop, an_order(mug=3))
    shop.warehouse.back_door.troubles = [WarehouseRefused("already packed")]
    for _ in range(2):
        await asked_back(shop, order)
        await shop.run_to_the_end()
    assert (await shop.shown(order))["status"] == "cancelled"
    assert len({key for key, _ in shop.warehouse.cancellations}) == 2


async def test_a_warehouse_that_is_away_is_asked_again_under_the_same_key(shop: Shop) -> None:
    order = await completed(shop, an_order(mug=3))
    shop.warehouse.back_door.troubles = [WarehouseUnavailable("on fire")] * 7
    await asked_back(shop, order)
    await shop.run_to_the_end()
    assert (await shop.shown(order))["status"] == "cancelled"
    assert len(shop.warehouse.cancellations) == 8
    assert len(set(shop.warehouse.cancellations)) == 1


async def test_when_nobody_answers_nothing_is_promised_until_an_operator_has_asked_again(shop: Shop) -> None:
    order = await completed(shop, an_order(mug=3))
    shop.warehouse.back_door.troubles = [WarehouseUnavailable("on fire") for _ in range(16)]
    asked = await asked_back(shop, order)
    run_id = UUID(asked["cancellation"]["id"])
    for _ in range(2):
        await shop.run_to_the_end()
        assert await shop.shown(order) == order | {"cancellation": asked["cancellation"]}
        assert shop.mail.notices == []
        assert await refused(shop, order) == "The order is being cancelled already."
        await shop.process.write(shop.process.steering.retry, run_id, actor="ops")
    await shop.run_to_the_end()
    assert ((await shop.shown(order))["status"], shop.shelf("mug")) == ("cancelled", (100, 0))


async def test_whoever_stops_the_run_that_asks_keeps_the_order_going(shop: Shop) -> None:
    order = await completed(shop)
    shop.warehouse.back_door.close()
    run_id = UUID((await asked_back(shop, order))["cancellation"]["id"])
    await shop.warehouse.back_door.until_somebody_waits()
    await shop.process.write(lambda tx: cancel(tx, run_id, reason="a mistake", actor="ops"))
    await shop.run_to_the_end()
    assert (await shop.shown(order), shop.mail.notices) == (order, [])


async def test_while_the_warehouse_is_asked_it_is_not_asked_again(shop: Shop) -> None:
    order = await completed(shop)
    shop.warehouse.back_door.close()
    await asked_back(shop, order)
    assert "being cancelled already" in await refused(shop, order)


async def test_of_many_who_ask_at_once_one_does(shop: Shop) -> None:
    order = await completed(shop, an_order(mug=3))
    answers = await asyncio.gather(*(shop.api.post(f"/v1/orders/{order['id']}/cancel") for _ in range(10)))
    await shop.run_to_the_end()
    assert sorted(answer.status_code for answer in answers) == [202] + [409] * 9
    assert (len(shop.warehouse.cancellations), shop.shelf("mug")) == (1, (100, 0))


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("shipped", "The order is shipped and can no longer be cancelled."),
        ("delivered", "The order is delivered and can no longer be cancelled."),
        ("refused", "The order is rejected: nothing will be shipped."),
    ],
)
async def test_what_has_left_or_ended_cannot_be_asked_back(shop: Shop, word: str, why: str) -> None:
    order = await completed(shop)
    await told(shop, order, word)
    await shop.run_to_the_end()
    assert await refused(shop, order) == why
    assert shop.warehouse.cancellations == []


async def test_a_failed_order_cannot_be_cancelled_and_the_answer_says_why(shop: Shop) -> None:
    shop.warehouse.door.troubles = [WarehouseRefused("no such article")]
    order = await shop.placed()
    await shop.run_to_the_end()
    assert "The order is failed" in await refused(shop, order)


async def test_an_order_in_quarantine_is_for_whoever_runs_the_service(shop: Shop) -> None:
    order = await shop.placed()
    await shop.settled()
    await shop.write("UPDATE orders SET status = 'failed'")
    await shop.write("UPDATE runs SET state = 'quarantined'")
    assert "whoever runs the service" in await refused(shop, order)


@pytest.mark.parametrize("word", ["shipped", "delivered", "refused"])
async def test_what_the_warehouse_says_while_it_is_asked_is_what_counts(shop: Shop, word: str) -> None:
    order = await completed(shop, an_order(mug=3))
    shop.warehouse.back_door.close()
    await asked_back(shop, order)
    await shop.warehouse.back_door.until_somebody_waits()
    await told(shop, order, word)
    applied = await shop.api.get(f"/v1/runs/{shop.rows(APPLYING)[0].run_id}", params={"wait": 10})
    assert applied.json()["state"] == "completed"
    shop.warehouse.back_door.open()
    await shop.run_to_the_end()
    shown = await shop.shown(order)
    ends, shelf = ("rejected", (100, 0)) if word == "refused" else (word, (97, 0))
    assert (shown["status"], shown["cancellation"], shop.shelf("mug")) == (ends, None, shelf)
    was_told = f"We could not cancel your order {order['id']}" in [letter.subject for letter in shop.mail.notices]
    assert was_told == (word != "refused")


async def test_cancelled_and_shipped_at_once_each_order_ends_in_one_state(shop: Shop) -> None:
    orders = [await shop.placed(an_order(mug=2)) for _ in range(12)]
    await shop.run_to_the_end()
    await at_once(orders, cancelled_at=shop, shipped_at=shop)
    await each_is_in_one_state(shop, orders)


async def test_so_it_does_when_two_processes_hear_of_it(postgres_url: str, tmp_path: Path) -> None:
    async with open_shop(postgres_url, tmp_path) as shop, open_shop(postgres_url, tmp_path, role="api") as other:
        orders = [await shop.placed(an_order(mug=2)) for _ in range(12)]
        await shop.run_to_the_end()
        await at_once(orders, cancelled_at=other, shipped_at=shop)
        await each_is_in_one_state(shop, orders)


async def at_once(orders: list[Any], *, cancelled_at: Shop, shipped_at: Shop) -> None:
    both = [
        (cancelled_at.api.post(f"/v1/orders/{order['id']}/cancel"), send(shipped_at, an_event(order)))
        for order in orders
    ]
    await asyncio.gather(*(call for calls in both for call in calls))


async def each_is_in_one_state(shop: Shop, orders: list[Any]) -> None:
    await shop.run_to_the_end()
    shown = [await shop.shown(order) for order in orders]
    shipped = [order for order in shown if order["status"] == "shipped"]
    assert {order["status"] for order in shown} <= {"shipped", "cancelled"}
    assert [order["cancellation"] for order in shipped] == [None] * len(shipped)
    assert (shop.shelf("mug"), shop.count("stock_holds")) == ((100 - 2 * len(shipped), 0), 0)


ORDER = UUID(int=1)


def an_accepted_order(tx: Transaction) -> None:
    inventory.seed(tx, (a_product("mug"),))
    tx.add(
        Order(
            id=ORDER,
            principal="ada",
            status=OrderStatus.COMPLETED,
            customer_email="ada@example.com",
            total_amount=1,
            total_currency="EUR",
            shipping_address=an_address(),
            created_at=NOON,
            run_id=UUID(int=2),
        )
    )


@pytest.mark.parametrize("refuses", [False, True], ids=["agreed", "refused"])
async def test_taking_back_survives_every_crash(refuses: bool) -> None:  # noqa: FBT001 - a parameter of the test
    def outside() -> dict[Any, object]:
        warehouse = FakeWarehouse()
        warehouse.back_door.troubles = [WarehouseRefused("packed")] * 2 if refuses else []
        return {Warehouse: warehouse, Mail: FakeMail()}

    def check(survivor: Survivor) -> None:
        assert survivor.run.state is (RunState.REJECTED if refuses else RunState.COMPLETED)
        assert len(set(survivor.provided[Warehouse].cancellations)) == 1

    points = await survives_every_crash(
        take_back_order,
        begin=lambda tx: start(tx, take_back_order, TakeBack(order_id=ORDER, reason="because", asked_at=NOON)),
        provide=outside,
        prepare=an_accepted_order,
        check=check,
        beside=[tell_customer],
    )
    assert len(points) > 5
