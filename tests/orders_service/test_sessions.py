"""Sessions of people, and what scopes let a credential do."""

import secrets
from datetime import timedelta

import httpx2
import pytest

from orders_service.auth import (
    CUSTOMER_SCOPES,
    Principal,
    Scope,
    issue_key,
    keyring,
    open_session,
    remove_ended_sessions,
    revoke_key,
    revoke_session,
    revoke_sessions_of,
    user_principal,
)
from orders_service.ids import new_id
from tests.builders.shop import Shop

HOUR = timedelta(hours=1)
ADA, BOB = user_principal(new_id()), user_principal(new_id())


@pytest.fixture(autouse=True)
def trusts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each request reads its credential anew, as another process would."""
    monkeypatch.setattr(keyring, "TRUSTED_FOR_SECONDS", -1.0)


async def session_of(shop: Shop, principal: str = ADA, lasts: timedelta = HOUR) -> str:
    return (await shop.process.write(open_session, principal, lasts=lasts)).token


async def status(shop: Shop, token: str, path: str = "/v1/orders") -> int:
    answer: httpx2.Response = await shop.client(token).get(path)
    return answer.status_code


async def test_a_session_opens_until_it_expires(shop: Shop) -> None:
    token = await session_of(shop)
    assert await status(shop, token) == 200
    shop.clock.advance(HOUR)
    assert await status(shop, token) == 401


async def test_a_session_of_the_right_id_and_the_wrong_secret_does_not(shop: Shop) -> None:
    name = (await session_of(shop)).rpartition("_")[0]
    assert await status(shop, f"{name}_{secrets.token_hex(24)}") == 401


async def test_a_session_is_no_key_and_a_key_no_session(shop: Shop) -> None:
    token, key = await session_of(shop), await shop.process.write(issue_key, "ada")
    assert await status(shop, token.replace("os_", "ok_", 1)) == 401
    assert await status(shop, key.replace("ok_", "os_", 1)) == 401


async def test_a_revoked_session_is_refused_and_no_other(shop: Shop) -> None:
    one, other = await session_of(shop), await session_of(shop)
    await shop.process.write(revoke_session, one)
    assert [await status(shop, token) for token in (one, other)] == [401, 200]


async def test_all_sessions_of_somebody_end_together(shop: Shop) -> None:
    tokens = [await session_of(shop), await session_of(shop), await session_of(shop, BOB)]
    await shop.process.write(revoke_sessions_of, ADA)
    assert [await status(shop, token) for token in tokens] == [401, 401, 200]


@pytest.mark.parametrize("token", ["", "nonsense", "os_", "os__", "os_1_2_3", "os_\u00e4_x"])
async def test_what_was_never_a_token_revokes_nothing(shop: Shop, token: str) -> None:
    live, key = await session_of(shop), await shop.process.write(issue_key, "ada")
    await shop.process.write(revoke_session, token)
    await shop.process.write(revoke_session, key)
    assert [await status(shop, each) for each in (live, key)] == [200, 200]


async def test_a_person_may_do_what_customers_may_and_no_more(shop: Shop) -> None:
    token = await session_of(shop)
    assert [await status(shop, token, path) for path in ("/v1/orders", "/v1/audit", "/v1/api-keys")] == [200, 403, 403]


async def test_a_key_without_the_scope_is_forbidden_and_one_with_it_is_not(shop: Shop) -> None:
    without = await shop.process.write(issue_key, "ops", scopes=[Scope.REPORTS])
    having = await shop.process.write(issue_key, "ops", scopes=[Scope.AUDIT_READ])
    assert [await status(shop, key, "/v1/audit") for key in (without, having)] == [403, 200]


async def test_scopes_of_a_newer_release_are_left_out_of_account(shop: Shop) -> None:
    key = await shop.process.write(issue_key, "ops", scopes=[Scope.AUDIT_READ])
    await shop.write("UPDATE api_keys SET scopes = 'audit:read fly:moon'")
    assert await status(shop, key, "/v1/audit") == 200
    assert (await shop.api.get("/v1/api-keys")).json()["items"][0]["scopes"] == ["audit:read"]


async def test_a_key_is_revoked_once_and_one_that_is_not_there_never(shop: Shop) -> None:
    key = await shop.process.write(issue_key, "ada")
    assert await shop.process.write(revoke_key, key.split("_")[1])
    assert await status(shop, key) == 401
    assert not await shop.process.write(revoke_key, "0123456789abcdef")


async def test_what_ended_long_ago_is_forgotten_in_slices(shop: Shop) -> None:
    live = await session_of(shop, lasts=timedelta(days=30))
    for _ in range(2):
        await session_of(shop)
    await shop.process.write(revoke_session, await session_of(shop, lasts=timedelta(days=30)))
    shop.clock.advance(timedelta(days=2))
    before = shop.clock.now() - timedelta(days=1)
    removed = [await shop.process.write(lambda tx: remove_ended_sessions(tx, before=before, most=2)) for _ in range(3)]
    assert (removed, shop.count("sessions")) == ([2, 1, 0], 1)
    assert await status(shop, live) == 200


@pytest.mark.parametrize("scope", list(Scope))
def test_an_admin_may_everything_and_a_customer_what_is_theirs(scope: Scope) -> None:
    assert Principal("boss", is_admin=True, scopes=frozenset()).may(scope)
    assert Principal("ada").may(scope) is (scope in CUSTOMER_SCOPES)


def test_a_person_is_told_from_a_program() -> None:
    user_id = new_id()
    person, program = Principal(user_principal(user_id)), Principal("web-shop")
    assert (person.user_id, person.kind) == (user_id, "user")
    assert (program.user_id, program.kind) == (None, "key")
