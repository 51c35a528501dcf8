"""The CRM: told in order, again when it was away, and what an owner and an operator see of that."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx2

from orders_service.gateways import CrmRefused, CrmUnavailable, CrmUser, NoCrm
from pipelines import RunState
from tests.builders.shop import Shop


async def rename(client: httpx2.AsyncClient, name: str) -> Any:
    return (await client.patch("/v1/users/me", json={"name": name})).json()


async def crm_of(client: httpx2.AsyncClient) -> Any:
    return (await client.get("/v1/users/me")).json()["crm"]


async def known_customer(shop: Shop) -> httpx2.AsyncClient:
    ada = await shop.customer()
    await shop.run_to_the_end()
    shop.crm.told.clear()
    return ada


async def test_a_change_is_told_to_the_crm_by_a_run_that_the_answer_names(shop: Shop) -> None:
    ada = await known_customer(shop)
    changed = await rename(ada, "Ada King")
    assert changed["crm"]["state"] == "pending"
    await shop.run_to_the_end()
    assert [(told.name, told.version) for _, told in shop.crm.told] == [("Ada King", 2)]
    assert (await crm_of(ada))["state"] == "synced"
    assert (await ada.get(changed["run"]["url"])).json()["pipeline"] == "sync-user"


async def test_a_crm_that_was_away_is_told_again_under_the_same_key(shop: Shop) -> None:
    ada = await known_customer(shop)
    shop.crm.door.troubles = [CrmUnavailable(), CrmUnavailable()]
    changed = await rename(ada, "Ada King")
    await shop.settled()
    run = (await ada.get(changed["run"]["url"])).json()
    assert (run["state"], run["attempts"][-1]["outcome"]) == ("waiting", "retry")
    await shop.run_to_the_end()
    assert len({key for key, _ in shop.crm.told}) == 1
    assert len({told.model_dump_json() for _, told in shop.crm.told}) == 1
    assert len(shop.crm.told) == 3


async def test_a_crm_that_refuses_is_seen_on_the_account_and_can_be_told_again(shop: Shop) -> None:
    ada = await known_customer(shop)
    shop.crm.door.troubles = [CrmRefused("http://crm answered 422", status=422)]
    changed = await rename(ada, "Ada King")
    await shop.run_to_the_end()
    assert shop.run(changed).state is RunState.FAILED
    crm = await crm_of(ada)
    assert (crm["state"], "422" in crm["error"]) == ("failed", True)
    await shop.process.write(shop.process.steering.retry, UUID(changed["run"]["id"]), actor="a test")
    assert (await crm_of(ada))["state"] == "pending"
    await shop.run_to_the_end()
    assert (await crm_of(ada)) | {"synced_at": None} == {"state": "synced", "synced_at": None, "error": None}


async def test_a_newer_change_waits_for_the_older_one(shop: Shop) -> None:
    ada = await known_customer(shop)
    shop.crm.door.close()
    await rename(ada, "Ada King")
    await shop.crm.door.until_somebody_waits()
    newer = await rename(ada, "Ada Byron")
    assert shop.run(newer).state is RunState.READY
    shop.crm.door.open()
    await shop.run_to_the_end()
    assert [told.name for _, told in shop.crm.told] == ["Ada King", "Ada Byron"]
    assert (await crm_of(ada))["state"] == "synced"


async def test_an_old_run_that_is_retried_does_not_leave_the_crm_with_what_was(shop: Shop) -> None:
    ada = await known_customer(shop)
    shop.crm.door.troubles = [CrmRefused("no")]
    older = await rename(ada, "Ada King")
    await shop.run_to_the_end()
    await rename(ada, "Ada Byron")
    await shop.run_to_the_end()
    await shop.process.write(shop.process.steering.retry, UUID(older["run"]["id"]), actor="a test")
    await shop.run_to_the_end()
    assert shop.crm.told[-1][1].name == "Ada Byron"
    assert (await crm_of(ada))["state"] == "synced"


async def test_the_welcome_stands_in_the_same_line(shop: Shop) -> None:
    shop.crm.door.close()
    ada = await shop.customer()
    await shop.crm.door.until_somebody_waits()
    await rename(ada, "Ada King")
    shop.crm.door.open()
    await shop.run_to_the_end()
    assert [told.version for _, told in shop.crm.told] == [1, 2]


async def test_without_a_crm_nothing_is_owed(shop: Shop) -> None:
    shop.crm.put_user = NoCrm().put_user  # type: ignore[method-assign] # as outside.py provides it in production
    ada = await shop.customer()
    await shop.run_to_the_end()
    assert (await crm_of(ada))["state"] == "off"


async def test_no_crm_is_told_nothing() -> None:
    user = CrmUser(id=UUID(int=1), email="a@b.c", name="A", version=1, created_at=datetime.now(UTC))
    assert not await NoCrm().put_user(user, key="k")
