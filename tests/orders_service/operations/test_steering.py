"""Somebody intervenes in one run, and it is written down in the same COMMIT who did."""

import json
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from orders_service.auth import Scope
from orders_service.problems import KINDS
from orders_service.uploads import UploadRef, remove_upload
from pipelines import start
from tests.builders.hostile import REFUSALS, spoiled
from tests.builders.operations import audited, failed_orders, interventions
from tests.builders.shop import Shop

VERBS = ("retry", "retry-undo", "replay", "cancel")


async def ask(client: httpx2.AsyncClient, order: Any, verb: str, **body: Any) -> Any:
    return await client.post(f"{order['run']['url']}/{verb}", json=body or None)


async def test_a_run_that_failed_is_retried_and_its_order_is_fulfilled(shop: Shop) -> None:
    [order] = await failed_orders(shop, 1)
    assert (await shop.shown(order))["status"] == "failed"
    answer = await ask(shop.api, order, "retry", reason="the fire is out")
    assert (answer.status_code, answer.json()) == (202, {"run": order["run"]})
    assert (answer.headers["location"], answer.headers["retry-after"]) == (order["run"]["url"], "1")
    await shop.run_to_the_end()
    assert (await shop.shown(order))["status"] == "completed"


async def test_who_retried_is_in_the_audit_and_in_the_journal(shop: Shop) -> None:
    [order] = await failed_orders(shop, 1)
    operator = await shop.client_of("grace", scopes=[Scope.OPERATIONS_WRITE])
    await ask(operator, order, "retry", reason="the fire is out")
    [entry] = await audited(shop)
    assert {name: entry[name] for name in ("actor", "actor_type", "action", "subject_type", "subject_id", "after")} == {
        "actor": "grace",
        "actor_type": "key",
        "action": "run_retried",
        "subject_type": "run",
        "subject_id": order["run"]["id"],
        "after": {"reason": "the fire is out"},
    }
    assert interventions(shop) == [("grace", "retry")]


@pytest.mark.parametrize("body", [{}, {"json": {}}, {"json": {"reason": None}}])
async def test_a_reason_may_be_left_out(shop: Shop, body: dict[str, Any]) -> None:
    [order] = await failed_orders(shop, 1)
    answer = await shop.api.post(f"{order['run']['url']}/retry", **body)
    assert answer.status_code == 202
    assert [entry["after"] for entry in await audited(shop)] == [{}]


async def test_an_open_run_is_cancelled_and_undone(shop: Shop) -> None:
    shop.warehouse.door.close()
    order = await shop.placed()
    await shop.warehouse.door.until_somebody_waits()
    answer = await ask(shop.api, order, "cancel", reason="the customer died")
    assert answer.status_code == 202
    await shop.settled()
    run = (await shop.api.get(order["run"]["url"])).json()
    assert (run["state"], run["error"]) == ("cancelled", "the customer died")
    assert (await shop.shown(order))["status"] == "cancelled"
    assert [entry["action"] for entry in await audited(shop)] == ["run_cancelled"]
    assert interventions(shop) == [("admin", "cancel")]


async def told_again(shop: Shop) -> Any:
    """A run that belongs to no record."""
    run_id = await shop.process.write(start, remove_upload, UploadRef(id=uuid4()))
    await shop.settled()
    return {"run": {"id": str(run_id), "url": f"/v1/runs/{run_id}"}}


@pytest.mark.parametrize("status", ["completed", "cancelled", "delivered"])
async def test_an_order_does_not_happen_a_second_time(shop: Shop, status: str) -> None:
    order = await shop.placed()
    await shop.settled()
    await shop.write("UPDATE orders SET status = :to", to=status)
    answer = await ask(shop.api, order, "replay")
    assert (answer.status_code, answer.json()["code"]) == (409, "state-conflict")
    await shop.settled()
    assert ((await shop.shown(order))["status"], shop.count("runs"), shop.count("audit_entries")) == (status, 1, 0)


async def test_a_run_is_replayed_as_a_new_one(shop: Shop) -> None:
    task = await told_again(shop)
    answer = await ask(shop.api, task, "replay", reason="they lost it")
    new = answer.json()["run"]
    assert (answer.status_code, new["id"] != task["run"]["id"]) == (202, True)
    assert answer.headers["location"] == new["url"]
    await shop.settled()
    assert shop.count("runs") == 2
    [entry] = await audited(shop)
    assert (entry["action"], entry["subject_id"]) == ("run_replayed", task["run"]["id"])
    assert entry["after"] == {"reason": "they lost it", "new_run": new["id"]}


async def test_under_a_key_a_replay_starts_one_run_and_is_audited_once(shop: Shop) -> None:
    task = await told_again(shop)
    url, key = f"{task['run']['url']}/replay", {"Idempotency-Key": "abc"}
    first, again = [await shop.api.post(url, headers=key) for _ in range(2)]
    assert (again.status_code, again.content, again.headers["location"]) == (
        202,
        first.content,
        first.headers["location"],
    )
    assert (first.headers.get("idempotent-replayed"), again.headers["idempotent-replayed"]) == (None, "true")
    assert (shop.count("runs"), shop.count("audit_entries")) == (2, 1)
    other = await shop.api.post(url, headers=key, json={"reason": "another one"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-conflict")


@pytest.mark.parametrize("verb", ["retry", "retry-undo", "cancel"])
async def test_what_the_state_does_not_allow_is_a_conflict_and_leaves_no_entry(shop: Shop, verb: str) -> None:
    order = await shop.placed()
    await shop.settled()
    answer = await ask(shop.api, order, verb)
    assert (answer.status_code, answer.json()["code"]) == (409, "state-conflict")
    assert (shop.count("audit_entries"), shop.count("interventions")) == (0, 0)


@pytest.mark.parametrize("verb", VERBS)
async def test_a_run_that_nobody_knows_is_not_found(shop: Shop, verb: str) -> None:
    answer = await shop.api.post(f"/v1/runs/{uuid4()}/{verb}", json={"reason": "why not"})
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    assert shop.count("audit_entries") == 0


@pytest.mark.parametrize("verb", VERBS)
async def test_an_owner_steers_the_order_and_not_its_run(shop: Shop, verb: str) -> None:
    ada = await shop.client_of("ada")
    order = await shop.placed(by=ada)
    answer = await ask(ada, order, verb)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert shop.count("audit_entries") == 0


@pytest.mark.parametrize("verb", VERBS)
async def test_a_reason_that_nobody_means_is_refused(corner_shop: Shop, verb: str) -> None:
    [order] = await failed_orders(corner_shop, 1)
    headers, before = {"Content-Type": "application/json"}, corner_shop.count("runs")
    for what, body in spoiled({"reason": "because"}):
        if what == "nothing":
            continue  # a reason may be left out
        answer = await corner_shop.api.post(f"{order['run']['url']}/{verb}", content=body, headers=headers)
        assert answer.status_code in REFUSALS, (what, answer.text)
    too_long = await ask(corner_shop.api, order, verb, reason="x" * 501)
    assert too_long.status_code == 422
    assert (corner_shop.count("audit_entries"), corner_shop.count("runs")) == (0, before)


async def test_a_body_of_another_type_is_refused(corner_shop: Shop) -> None:
    [order] = await failed_orders(corner_shop, 1)
    text = json.dumps({"reason": "because"})
    answer = await corner_shop.api.post(
        f"{order['run']['url']}/retry", content=text, headers={"Content-Type": "text/plain"}
    )
    assert answer.status_code == 415


@pytest.mark.parametrize("verb", ["retry", "replay", "cancel"])
async def test_a_refusal_says_what_is_in_the_way(corner_shop: Shop, verb: str) -> None:
    order = await corner_shop.placed()
    await corner_shop.run_to_the_end()
    answer = await ask(corner_shop.api, order, verb)
    assert (answer.status_code, answer.json()["code"]) == (409, "state-conflict")
    assert answer.json()["detail"] != KINDS["state-conflict"].detail
    assert answer.json()["detail"].endswith(".")
