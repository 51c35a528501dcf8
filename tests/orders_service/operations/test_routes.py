from typing import Any
from uuid import uuid4

import httpx2
import pytest

from orders_service.gateways import WarehouseUnavailable
from tests.builders.orders import an_order
from tests.builders.shop import BETWEEN_ATTEMPTS, Shop

NO_RUN = "01a1fccd-1aee-748f-9e6d-a53a446f6bc9"


async def shown(client: httpx2.AsyncClient, order: Any) -> Any:
    response = await client.get(order["run"]["url"])
    assert response.status_code == 200, response.text
    return response.json()


async def test_a_run_is_shown_with_all_its_attempts(shop: Shop) -> None:
    order = await shop.placed()
    await shop.settled()
    run = await shown(shop.api, order)
    assert {key: run[key] for key in ("id", "pipeline", "state", "step", "error", "due_at")} == {
        "id": order["run"]["id"],
        "pipeline": "fulfill-order",
        "state": "completed",
        "step": "notify_warehouse",
        "error": None,
        "due_at": None,
    }
    assert [(attempt["step"], attempt["attempt"], attempt["outcome"]) for attempt in run["attempts"]] == [
        ("validate_order", 1, "success"),
        ("reserve_stock", 1, "success"),
        ("send_confirmation", 1, "success"),
        ("notify_warehouse", 1, "success"),
    ]
    assert run["created_at"] <= run["attempts"][0]["started_at"] <= run["finished_at"]


async def test_a_run_that_waits_says_for_what_and_until_when(shop: Shop) -> None:
    shop.warehouse.door.troubles = [WarehouseUnavailable("on fire")]
    order = await shop.placed()
    await shop.settled()
    run = await shown(shop.api, order)
    assert (run["state"], run["step"], run["finished_at"]) == ("waiting", "notify_warehouse", None)
    last = run["attempts"][-1]
    assert (last["outcome"], last["error"]) == ("retry", "WarehouseUnavailable: on fire")
    assert run["due_at"] > last["finished_at"]
    shop.clock.advance(BETWEEN_ATTEMPTS * 2)
    await shop.run_to_the_end()
    assert (await shown(shop.api, order))["attempts"][-1]["attempt"] == 2


async def test_a_run_that_was_undone_shows_that_too(shop: Shop) -> None:
    shop.warehouse.door.close()
    order = await shop.placed(an_order(mug=1))
    await shop.warehouse.door.until_somebody_waits()
    await shop.api.post(f"/v1/orders/{order['id']}/cancel")
    await shop.settled()
    run = await shown(shop.api, order)
    assert (run["state"], run["error"]) == ("cancelled", "cancelled on request")
    undone = [attempt["step"] for attempt in run["attempts"] if attempt["kind"] == "undo"]
    assert undone == ["notify_warehouse", "reserve_stock"]


async def test_a_run_shows_no_input(shop: Shop) -> None:
    order = await shop.placed(an_order(email="grace@example.com"))
    await shop.settled()
    text = (await shop.api.get(order["run"]["url"])).text
    assert "grace" not in text
    assert "Loop Lane" not in text


async def test_a_run_of_somebody_elses_order_is_answered_like_a_missing_one(shop: Shop) -> None:
    order, bob = await shop.placed(), await shop.client_of("bob")
    urls = order["run"]["url"], f"/v1/runs/{uuid4()}", f"/v1/runs/{order['id']}"
    answers = [await bob.get(url, headers={"X-Request-Id": "same"}) for url in urls]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert len({answer.content for answer in answers}) == 1


@pytest.mark.parametrize("principal", ["ada", "boss"])
async def test_the_owner_and_an_admin_may_see_a_run(shop: Shop, principal: str) -> None:
    ada, boss = await shop.client_of("ada"), await shop.client_of("boss", is_admin=True)
    order = await shop.placed(by=ada)
    assert await shown({"ada": ada, "boss": boss}[principal], order)


async def test_an_id_that_is_none_is_refused(corner_shop: Shop) -> None:
    assert (await corner_shop.api.get("/v1/runs/run-1")).status_code == 422


@pytest.mark.parametrize(
    ("method", "path", "status", "allowed"),
    [
        ("GET", "/v1/runs/retry", 422, None),  # it could be a run's id, and is none
        ("PUT", "/v1/runs/retry", 405, "GET, POST"),
        ("POST", "/v1/runs", 405, "GET"),
        ("GET", f"/v1/runs/{NO_RUN}/retry", 405, "POST"),
        ("POST", f"/v1/runs/{NO_RUN}", 405, "GET"),
        ("POST", f"/v1/runs/{NO_RUN}/explode", 404, None),
        ("GET", "/v1/schedules/cleanup-sessions", 404, None),
    ],
)
async def test_paths_that_look_alike_are_told_apart(
    corner_shop: Shop, method: str, path: str, status: int, allowed: str | None
) -> None:
    answer = await corner_shop.api.request(method, path)
    assert (answer.status_code, answer.headers.get("allow")) == (status, allowed)
