"""What a customer has bought: counted once per completed order, per currency, and never for a program."""

from typing import Any

import httpx2

from orders_service import accounts
from orders_service.gateways import WarehouseRefused
from orders_service.money import Money
from tests.builders.orders import a_product, an_order
from tests.builders.shop import Shop

EURO = Money(amount=1999, currency="EUR")


async def bought(client: httpx2.AsyncClient) -> Any:
    me = (await client.get("/v1/users/me")).json()
    return me["orders_count"], me["spent"]


async def test_a_completed_order_is_counted(shop: Shop) -> None:
    ada = await shop.customer()
    await shop.placed(an_order(mug=2), by=ada)
    await shop.run_to_the_end()
    assert await bought(ada) == (1, [{"amount": 3998, "currency": "EUR"}])
    assert (await ada.get("/v1/users/me")).json()["last_order_at"] is not None


async def test_several_orders_add_up_in_each_currency(shop: Shop) -> None:
    ada = await shop.customer()
    await shop.offer(a_product("yen", price=500, currency="JPY"))
    for order in (an_order(mug=1), an_order(lamp=1), an_order(yen=1)):
        await shop.placed(order, by=ada)
    await shop.run_to_the_end()
    assert await bought(ada) == (3, [{"amount": 3998, "currency": "EUR"}, {"amount": 500, "currency": "JPY"}])


async def test_what_did_not_complete_is_not_counted(shop: Shop) -> None:
    ada = await shop.customer()
    shop.warehouse.door.troubles = [WarehouseRefused("no")]
    await shop.placed(by=ada)
    await shop.run_to_the_end()
    assert await bought(ada) == (0, [])


async def test_what_completes_after_a_retry_is_counted_once(shop: Shop) -> None:
    ada = await shop.customer()
    shop.warehouse.door.troubles = [WarehouseRefused("no")]
    order = await shop.placed(by=ada)
    await shop.run_to_the_end()
    await shop.process.write(shop.process.steering.retry, shop.run(order).id, actor="a test")
    await shop.run_to_the_end()
    assert await bought(ada) == (1, [{"amount": 1999, "currency": "EUR"}])


async def test_what_is_taken_back_counts_no_longer(shop: Shop) -> None:
    ada = await shop.customer()
    for _ in range(2):
        await shop.placed(by=ada)
    await shop.run_to_the_end()
    me = (await ada.get("/v1/users/me")).json()
    await shop.process.write(accounts.take_back_purchase, f"user:{me['id']}", EURO)
    assert await bought(ada) == (1, [{"amount": 1999, "currency": "EUR"}])


async def test_what_was_never_counted_is_not_taken_off(shop: Shop) -> None:
    ada = await shop.customer()
    me = (await ada.get("/v1/users/me")).json()
    await shop.process.write(accounts.take_back_purchase, f"user:{me['id']}", EURO)
    assert await bought(ada) == (0, [])


async def test_a_program_has_no_statistics(shop: Shop) -> None:
    await shop.placed()
    await shop.run_to_the_end()
    await shop.process.write(accounts.take_back_purchase, "admin", EURO)
    assert shop.count("user_spending") == 0


async def test_a_person_sees_their_own_orders(shop: Shop) -> None:
    ada, bob = await shop.customer(), await shop.customer(email="bob@example.com")
    order = await shop.placed(by=ada)
    assert (await ada.get(f"/v1/orders/{order['id']}")).status_code == 200
    assert (await bob.get(f"/v1/orders/{order['id']}")).status_code == 404
