"""What people change of their account, and how it is shown."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from tests.builders.accounts import PASSWORD, a_login
from tests.builders.hostile import REFUSALS, spoiled
from tests.builders.shop import Shop

NEW = "another staple of horses"


async def me(client: httpx2.AsyncClient) -> Any:
    return (await client.get("/v1/users/me")).json()


async def rename(client: httpx2.AsyncClient, name: str = "Ada King", **headers: str) -> httpx2.Response:
    sent = {header.replace("_", "-"): value for header, value in headers.items()}
    return await client.patch("/v1/users/me", json={"name": name}, headers=sent)


async def change_password(client: httpx2.AsyncClient, old: str = PASSWORD, new: str = NEW) -> httpx2.Response:
    return await client.post("/v1/users/me/password", json={"password": old, "new_password": new})


async def test_a_new_name_is_shown_and_audited(shop: Shop) -> None:
    ada = await shop.customer()
    changed = await rename(ada)
    assert (changed.status_code, changed.json()["name"], changed.json()["version"]) == (200, "Ada King", 2)
    assert (await me(ada))["name"] == "Ada King"
    [entry] = (await shop.api.get("/v1/audit", params={"action": "user_changed"})).json()["items"]
    assert (entry["before"], entry["after"]) == ({"name": "Ada Lovelace"}, {"name": "Ada King"})
    assert entry["actor"] == f"user:{entry['subject_id']}"


async def test_the_same_name_again_changes_nothing(shop: Shop) -> None:
    ada = await shop.customer()
    await shop.run_to_the_end()
    before = await me(ada)
    assert (await rename(ada, before["name"])).json() == before
    assert await me(ada) == before


async def test_a_change_of_what_has_changed_since_is_refused(shop: Shop) -> None:
    ada = await shop.customer()
    seen = (await ada.get("/v1/users/me")).headers["etag"]
    await rename(ada)
    late = await rename(ada, "Ada Byron", if_match=seen)
    assert (late.status_code, late.json()["code"]) == (412, "precondition-failed")
    assert (await me(ada))["name"] == "Ada King"


@pytest.mark.parametrize("if_match", ['W/"1-0"', "1", '"2-0"', '""', "nonsense"])
async def test_a_tag_that_was_never_given_allows_no_change(corner_shop: Shop, if_match: str) -> None:
    assert (await rename(await corner_shop.customer(), if_match=if_match)).status_code == 412


async def test_what_the_background_notes_is_no_reason_to_refuse_a_change(shop: Shop) -> None:
    ada = await shop.customer()
    seen = (await ada.get("/v1/users/me")).headers["etag"]
    await shop.placed(by=ada)
    await shop.run_to_the_end()
    now = (await ada.get("/v1/users/me")).headers["etag"]
    assert now != seen
    assert (await rename(ada, if_match=f'"x", {seen}')).status_code == 200


async def test_a_star_matches_any_version(corner_shop: Shop) -> None:
    assert (await rename(await corner_shop.customer(), if_match="*")).status_code == 200


async def test_what_is_known_is_not_sent_again(shop: Shop) -> None:
    ada = await shop.customer()
    await shop.run_to_the_end()
    tag = (await ada.get("/v1/users/me")).headers["etag"]
    same = await ada.get("/v1/users/me", headers={"If-None-Match": f"W/{tag}"})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    await rename(ada)
    assert (await ada.get("/v1/users/me", headers={"If-None-Match": tag})).status_code == 200


async def test_of_two_changes_in_one_batch_each_builds_on_the_other(shop: Shop) -> None:
    ada = await shop.customer()
    answers = await asyncio.gather(*(rename(ada, f"Ada {letter}") for letter in "ABCD"))
    assert sorted(answer.json()["version"] for answer in answers) == [2, 3, 4, 5]


async def test_a_new_password_opens_and_the_old_one_does_not(shop: Shop) -> None:
    ada = await shop.customer()
    assert (await change_password(ada)).status_code == 204
    assert (await shop.client(None).post("/v1/login", json=a_login())).status_code == 401
    assert await shop.login(password=NEW)


async def test_a_new_password_ends_all_sessions_at_once(shop: Shop) -> None:
    one, other = await shop.customer(), await shop.login()
    bob = await shop.customer(email="bob@example.com")
    for client in (one, other, bob):
        assert (await client.get("/v1/users/me")).status_code == 200
    await change_password(one)
    assert [(await client.get("/v1/users/me")).status_code for client in (one, other, bob)] == [401, 401, 200]


async def test_whoever_does_not_know_the_password_does_not_change_it(shop: Shop) -> None:
    ada = await shop.customer()
    refused = await change_password(ada, old="something else")
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/password")
    assert await shop.login()
    [entry] = (await shop.api.get("/v1/audit", params={"action": "password_refused"})).json()["items"]
    assert entry["outcome"] == "refused"


@pytest.mark.parametrize(("what", "body"), list(spoiled({"password": PASSWORD, "new_password": NEW})))
async def test_a_bad_change_of_password_is_refused(corner_shop: Shop, what: str, body: bytes) -> None:
    ada = await corner_shop.customer()
    answer = await ada.post("/v1/users/me/password", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in REFUSALS, what
    assert PASSWORD not in answer.text
    assert await corner_shop.login()


@pytest.mark.parametrize(("what", "body"), list(spoiled({"name": "Ada King"})))
async def test_a_bad_change_is_refused_and_nothing_is_stored(corner_shop: Shop, what: str, body: bytes) -> None:
    ada = await corner_shop.customer()
    answer = await ada.patch("/v1/users/me", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in REFUSALS, what
    assert (await me(ada))["version"] == 1


async def test_an_account_that_is_gone_is_not_found(shop: Shop) -> None:
    ada = await shop.customer()
    await shop.run_to_the_end()
    await shop.write("DELETE FROM users")
    answers = [await ada.get("/v1/users/me"), await rename(ada)]
    assert [answer.status_code for answer in answers] == [404, 404]
    order = await shop.placed(by=ada)
    await shop.run_to_the_end()
    assert (await shop.shown(order))["status"] == "completed"


async def test_somebody_elses_account_is_answered_like_a_missing_one(shop: Shop) -> None:
    ada, bob = await shop.customer(), await shop.customer(email="bob@example.com")
    theirs = (await me(ada))["id"]
    answers = [await bob.get(f"/v1/users/{user}", headers={"X-Request-Id": "same"}) for user in (theirs, uuid4())]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content
    assert answers[0].headers == answers[1].headers


async def test_admins_list_accounts_newest_first_and_find_one_by_its_address(shop: Shop) -> None:
    for name in ("ada", "bob", "eve"):
        await shop.customer(email=f"{name}@example.com")
    await shop.run_to_the_end()
    page = (await shop.api.get("/v1/users", params={"limit": 2})).json()
    assert [user["email"] for user in page["items"]] == ["eve@example.com", "bob@example.com"]
    last = (await shop.api.get("/v1/users", params={"cursor": page["next"]})).json()
    assert ([user["email"] for user in last["items"]], last["next"]) == (["ada@example.com"], None)
    found = (await shop.api.get("/v1/users", params={"email": "BOB@example.com"})).json()["items"]
    assert [user["email"] for user in found] == ["bob@example.com"]
    assert (await shop.api.get(f"/v1/users/{found[0]['id']}")).json() == found[0]


async def test_nobody_is_shown_a_password_in_any_form(shop: Shop) -> None:
    ada = await shop.customer()
    shown = [(await ada.get("/v1/users/me")).text, (await shop.api.get("/v1/users")).text]
    assert "argon2" not in str(shown)
    assert "password" not in str(shown)
