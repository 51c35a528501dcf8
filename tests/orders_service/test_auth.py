import secrets
from typing import Any

import httpx2
import pytest
from sqlmodel import select

from orders_service.auth import ApiKey, Keyring, Principal, Unauthenticated, issue_key, keyring
from orders_service.settings import DEVELOPMENT_KEY
from tests.builders.shop import Shop


def refused(answer: httpx2.Response) -> bool:
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated"), answer.text
    return answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        f"Basic {DEVELOPMENT_KEY}",
        DEVELOPMENT_KEY,
        f"Bearer {DEVELOPMENT_KEY}x",
        f"Bearer {DEVELOPMENT_KEY[:-1]}",
        f"Bearer {DEVELOPMENT_KEY} {DEVELOPMENT_KEY}",
        "Bearer ok_0123456789abcdef_0123",
        "Bearer ok__",
        "Bearer ok_'; DROP TABLE api_keys; --_x",
        "Bearer \u00e4",
    ],
)
async def test_whoever_has_no_valid_key_is_refused(corner_shop: Shop, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header.encode("latin-1")}
    assert refused(await corner_shop.client(None).get("/v1/orders", headers=headers))  # type: ignore[arg-type] # bytes too


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_the_name_of_the_scheme_may_be_written_in_any_case(corner_shop: Shop, scheme: str) -> None:
    answer = await corner_shop.client(None).get("/v1/orders", headers={"Authorization": f"{scheme} {DEVELOPMENT_KEY}"})
    assert answer.status_code == 200


@pytest.mark.parametrize("name", ["key", "access_token", "Authorization"])
async def test_a_key_in_the_address_opens_nothing(corner_shop: Shop, name: str) -> None:
    assert (await corner_shop.client(None).get("/v1/orders", params={name: DEVELOPMENT_KEY})).status_code == 422


@pytest.mark.parametrize("body", [{}, {"items": "all of them"}, []])
async def test_a_stranger_learns_nothing_of_what_a_body_should_be(corner_shop: Shop, body: Any) -> None:
    assert refused(await corner_shop.client(None).post("/v1/orders", json=body, headers={"Idempotency-Key": ""}))


async def test_a_key_that_was_issued_opens(shop: Shop) -> None:
    ada = await shop.client_of("ada")
    assert (await ada.get("/v1/orders")).status_code == 200


async def test_a_key_of_the_right_id_and_the_wrong_secret_does_not(shop: Shop) -> None:
    key = await shop.process.write(issue_key, "ada")
    prefix = key.rpartition("_")[0]
    assert refused(await shop.client(f"{prefix}_{secrets.token_hex(24)}").get("/v1/orders"))


async def test_a_revoked_key_is_refused(shop: Shop) -> None:
    ada = await shop.client_of("ada")
    await shop.write("UPDATE api_keys SET revoked_at = created_at")
    assert refused(await ada.get("/v1/orders"))


async def test_a_key_is_trusted_for_a_moment_only(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring, "TRUSTED_FOR_SECONDS", -1.0)
    ada = await shop.client_of("ada")
    assert (await ada.get("/v1/orders")).status_code == 200
    await shop.write("UPDATE api_keys SET revoked_at = created_at")
    assert refused(await ada.get("/v1/orders"))


async def test_a_key_that_was_read_is_not_read_for_each_request(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring, "TRUSTED_FOR_SECONDS", 60.0)
    ada = await shop.client_of("ada")
    assert (await ada.get("/v1/orders")).status_code == 200
    await shop.write("DELETE FROM api_keys")
    assert (await ada.get("/v1/orders")).status_code == 200


async def test_what_is_remembered_of_made_up_keys_is_bounded(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring, "MOST_REMEMBERED", 3)
    ring = Keyring(shop.process.readers, DEVELOPMENT_KEY, shop.clock)
    for number in range(10):
        with pytest.raises(Unauthenticated):
            await ring.principal_of(f"ok_{number}_{number}")
    assert len(ring._trusted) <= 3


async def test_what_was_being_read_when_it_was_revoked_is_not_trusted(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await shop.process.write(issue_key, "ada")
    ring = Keyring(shop.process.readers, DEVELOPMENT_KEY, shop.clock)
    read = ring._read

    def read_and_revoked(token: str) -> Principal | None:
        found = read(token)
        ring.forget_all()
        return found

    monkeypatch.setattr(ring, "_read", read_and_revoked)
    await ring.principal_of(key)
    assert not ring._trusted


async def test_the_secret_is_nowhere_in_the_database(shop: Shop) -> None:
    key = await shop.process.write(issue_key, "ada")
    stored = shop.read(lambda session: session.exec(select(ApiKey)).one())
    secret = key.rpartition("_")[2]
    assert len(secret) >= 40
    assert secret not in str(stored.model_dump())
    assert (stored.principal, stored.is_admin) == ("ada", False)


@pytest.mark.parametrize(
    ("principal", "owner", "may"),
    [(Principal("ada"), "ada", True), (Principal("ada"), "bob", False), (Principal("ada", is_admin=True), "bob", True)],
)
def test_an_owner_may_see_their_own_and_an_admin_everything(principal: Principal, owner: str, *, may: bool) -> None:
    assert principal.may_see(owner) is may
