"""Signing up: what is stored, what is answered, and that no answer tells who is known."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlmodel import select

from orders_service.accounts import queries
from orders_service.accounts.passwords import ARGON2
from orders_service.accounts.schemas import SignupDraft
from orders_service.accounts.signing_up import stranger
from orders_service.accounts.tables import User
from orders_service.idempotency import RememberedAnswer
from pipelines import Transaction
from tests.builders.accounts import PASSWORD, a_login, a_signup
from tests.builders.hostile import REFUSALS, spoiled
from tests.builders.shop import Shop

HIS_OWN = {"id", "created_at", "updated_at", "run"}


async def sign_up(shop: Shop, *, key: str | None = None, **fields: Any) -> httpx2.Response:
    headers = {"X-Request-Id": "same"} | ({"Idempotency-Key": key} if key is not None else {})
    return await shop.client(None).post("/v1/signup", json=a_signup(**fields), headers=headers)


async def test_an_account_is_on_disk_with_its_welcome_before_the_answer(shop: Shop) -> None:
    shop.mail.door.close()
    answer = await sign_up(shop)
    assert (answer.status_code, answer.headers["location"]) == (201, "/v1/users/me")
    account = answer.json()
    assert (account["email"], account["name"], account["status"]) == ("ada@example.com", "Ada Lovelace", "new")
    stored = shop.read(lambda session: session.exec(select(User)).one())
    assert str(stored.id) == account["id"]
    assert shop.run(account).pipeline == "welcome"


async def test_a_password_is_kept_as_an_argon2id_hash_only(shop: Shop) -> None:
    await sign_up(shop, key="abc")
    stored = shop.read(lambda session: session.exec(select(User)).one())
    kept = shop.read(lambda session: session.exec(select(RememberedAnswer)).one())
    assert stored.password_hash.startswith("$argon2id$")
    assert ARGON2.verify(PASSWORD, stored.password_hash)
    assert PASSWORD not in str(stored.model_dump()) + str(kept.model_dump())
    assert stored.password_hash not in str(kept.model_dump())


async def test_a_known_address_is_answered_as_an_unknown_one(shop: Shop) -> None:
    shop.mail.door.close()
    answers = [await sign_up(shop) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 201]
    bodies = [answer.json() for answer in answers]
    assert [{name: body[name] for name in body.keys() - HIS_OWN} for body in bodies] == [
        {name: bodies[0][name] for name in bodies[0].keys() - HIS_OWN}
    ] * 3
    assert [list(body) for body in bodies] == [list(bodies[0])] * 3
    assert answers[0].headers == answers[1].headers == answers[2].headers
    assert len({body["id"] for body in bodies} | {body["run"]["id"] for body in bodies}) == 6
    assert shop.count("users") == 1


async def test_a_known_address_keeps_its_name_and_its_password(shop: Shop) -> None:
    await sign_up(shop)
    mallory = await sign_up(shop, name="Mallory", password="mallory's own password")
    assert mallory.json()["name"] == "Mallory"
    assert (await shop.client(None).post("/v1/login", json=a_login(password="mallory's own password"))).is_client_error
    assert (await (await shop.login()).get("/v1/users/me")).json()["name"] == "Ada Lovelace"


async def test_what_a_stranger_was_answered_leads_nowhere(shop: Shop) -> None:
    await sign_up(shop)
    account, bob = (await sign_up(shop)).json(), await shop.customer(email="bob@example.com")
    for path in (f"/v1/users/{account['id']}", account["run"]["url"]):
        assert (await shop.client(None).get(path)).status_code == 401
        assert (await bob.get(path)).status_code == 404


async def test_the_owner_of_a_known_address_learns_of_it_by_mail_once_a_day(shop: Shop) -> None:
    await shop.customer()
    await shop.run_to_the_end()
    for _ in range(3):
        await sign_up(shop, name="Buy at https://evil.example")
    await shop.run_to_the_end()
    [welcome, reminder] = [letter for _, letter in shop.mail.letters]
    assert (welcome.subject, reminder.subject) == ("Welcome", "You already have an account")
    assert reminder.to == "ada@example.com"
    assert "evil" not in reminder.text
    shop.clock.advance(timedelta(days=1))
    await sign_up(shop)
    await shop.run_to_the_end()
    assert [letter.subject for _, letter in shop.mail.letters].count("You already have an account") == 2


async def test_an_attempt_on_a_known_address_is_audited_without_what_was_typed(shop: Shop) -> None:
    account = (await sign_up(shop)).json()
    await sign_up(shop, name="Mallory")
    await shop.run_to_the_end()
    [entry] = (await shop.api.get("/v1/audit", params={"action": "signup_repeated"})).json()["items"]
    assert (entry["actor_type"], entry["subject_id"], entry["outcome"]) == ("anonymous", account["id"], "refused")
    assert "Mallory" not in str(entry)


async def test_one_address_has_one_account_however_it_is_typed(shop: Shop) -> None:
    await sign_up(shop, email="ada@example.com")
    assert (await sign_up(shop, email="ADA@Example.COM")).json()["email"] == "ada@example.com"
    assert shop.count("users") == 1
    assert await shop.login(email="Ada@example.com")


async def test_of_many_who_sign_up_at_once_with_one_address_one_gets_it(shop: Shop) -> None:
    answers = await asyncio.gather(*(sign_up(shop, name=f"Ada {name}") for name in "ABCDEFGH"))
    assert {answer.status_code for answer in answers} == {201}
    assert shop.count("users") == 1
    await shop.run_to_the_end()
    assert sorted(letter.subject for _, letter in shop.mail.letters) == ["Welcome", "You already have an account"]


async def test_whoever_comes_second_from_another_process_finds_the_first(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between looking and inserting, somebody else has inserted the address: the member is called again."""
    await sign_up(shop)
    looked: list[str] = []

    def blind_at_first(tx: Transaction, address: str) -> UUID | None:
        looked.append(address)
        return None if len(looked) == 1 else real(tx, address)

    real = queries.id_of
    monkeypatch.setattr(queries, "id_of", blind_at_first)
    answer = await sign_up(shop, name="Late")
    assert (answer.status_code, shop.count("users"), len(looked)) == (201, 1, 2)


async def test_a_repeated_request_gets_the_same_bytes_and_no_second_account(shop: Shop) -> None:
    answers = [await sign_up(shop, key="abc") for _ in range(2)]
    assert answers[0].content == answers[1].content
    assert [answer.headers.get("idempotent-replayed") for answer in answers] == [None, "true"]
    await shop.run_to_the_end()
    assert [letter.subject for _, letter in shop.mail.letters] == ["Welcome"]


async def test_a_repeated_request_for_a_known_address_is_replayed_too(shop: Shop) -> None:
    await sign_up(shop)
    answers = [await sign_up(shop, key="abc") for _ in range(2)]
    assert answers[0].content == answers[1].content


@pytest.mark.parametrize("other", [{"password": "another password"}, {"name": "Eve"}])
async def test_the_same_key_with_another_body_is_refused(shop: Shop, other: dict[str, str]) -> None:
    await sign_up(shop, key="abc")
    answer = await sign_up(shop, key="abc", **other)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency-key-conflict")


async def test_the_same_key_of_somebody_else_is_independent(shop: Shop) -> None:
    answers = [await sign_up(shop, key="abc", email=f"{name}@example.com") for name in ("ada", "bob")]
    assert [answer.json()["email"] for answer in answers] == ["ada@example.com", "bob@example.com"]


@pytest.mark.parametrize(("key", "status"), [("", 400), ("x" * 256, 400)])
async def test_a_key_that_is_none_is_refused(corner_shop: Shop, key: str, status: int) -> None:
    assert (await sign_up(corner_shop, key=key)).status_code == status


def test_a_key_without_credential_belongs_to_the_address_and_does_not_show_it() -> None:
    assert "ada" not in stranger(SignupDraft(**a_signup())).id


@pytest.mark.parametrize(("what", "body"), list(spoiled(a_signup())))
async def test_a_bad_signup_is_refused_and_nothing_is_stored(corner_shop: Shop, what: str, body: bytes) -> None:
    answer = await corner_shop.client(None).post(
        "/v1/signup", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in REFUSALS, what
    assert (corner_shop.count("users"), corner_shop.count("runs")) == (0, 0)


@pytest.mark.parametrize(
    "fields",
    [
        {"password": "x" * 7},
        {"password": "x" * 129},
        {"password": ""},
        {"name": ""},
        {"name": "   "},
        {"name": "x" * 101},
        {"name": "Ada\u202eLovelace"},
        {"email": ""},
        {"email": "ada"},
        {"email": "ada@"},
        {"email": "ada@example.com\r\nBcc: eve@example.com"},
        {"email": f"{'x' * 250}@example.com"},
    ],
    ids=str,
)
async def test_what_does_not_fit_is_refused_without_being_quoted(corner_shop: Shop, fields: dict[str, str]) -> None:
    answer = await sign_up(corner_shop, **fields)
    assert answer.status_code == 422
    assert PASSWORD not in answer.text
    assert corner_shop.count("users") == 0


@pytest.mark.parametrize("password", ["x" * 8, "x" * 128, "пароль из букв", "  spaces  count  "])
async def test_a_password_of_8_to_128_characters_is_taken(corner_shop: Shop, password: str) -> None:
    assert await corner_shop.customer(password=password)


@pytest.mark.parametrize("field", ["id", "status", "version", "password_hash", "login_count", "is_admin", "scopes"])
async def test_nobody_sets_what_is_not_theirs_to_set(corner_shop: Shop, field: str) -> None:
    answer = await corner_shop.client(None).post("/v1/signup", json=a_signup() | {field: 1})
    assert answer.status_code == 422
