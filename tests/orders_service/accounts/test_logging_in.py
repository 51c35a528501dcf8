"""Logging in and out: sessions, what is counted and audited, and that no answer tells who is known."""

from datetime import timedelta
from typing import Any

import httpx2
import pytest
from sqlmodel import select

from orders_service.accounts.logging_in import printable
from orders_service.accounts.passwords import NOBODYS
from orders_service.accounts.refused_logins import PER_SUBJECT
from orders_service.auth import Session
from tests.builders.accounts import PASSWORD, a_login, a_signup
from tests.builders.hostile import REFUSALS, spoiled
from tests.builders.shop import Shop


async def log_in(shop: Shop, agent: str = "test", **fields: Any) -> httpx2.Response:
    headers = {"X-Request-Id": "same", "User-Agent": agent}
    return await shop.client(None).post("/v1/login", json=a_login(**fields), headers=headers)


async def audited(shop: Shop, action: str) -> Any:
    return (await shop.api.get("/v1/audit", params={"action": action})).json()["items"]


async def test_a_login_gives_a_token_that_opens(shop: Shop) -> None:
    await shop.client(None).post("/v1/signup", json=a_signup())
    answer = await log_in(shop)
    assert (answer.status_code, answer.json()["token_type"]) == (200, "bearer")
    assert answer.headers["cache-control"] == "no-store"
    ada = shop.client(answer.json()["access_token"])
    assert (await ada.get("/v1/users/me")).json()["email"] == "ada@example.com"


async def test_a_token_is_stored_as_a_hash_only(shop: Shop) -> None:
    await shop.client(None).post("/v1/signup", json=a_signup())
    token = (await log_in(shop)).json()["access_token"]
    stored = shop.read(lambda session: session.exec(select(Session)).one())
    assert token.rpartition("_")[2] not in str(stored.model_dump())


async def test_a_login_is_counted_and_audited_by_a_run_of_its_own(shop: Shop) -> None:
    ada = await shop.customer()
    await log_in(shop, agent="Lynx/2.9")
    await shop.run_to_the_end()
    me = (await ada.get("/v1/users/me")).json()
    assert me["login_count"] == 2
    assert me["last_login_at"] is not None
    latest, _ = await audited(shop, "user_logged_in")
    assert (latest["subject_id"], latest["actor_type"], latest["request_id"]) == (me["id"], "user", "same")
    assert (latest["ip"], latest["after"]["user_agent"]) == ("127.0.0.1", "Lynx/2.9")


async def test_a_login_that_is_recorded_late_does_not_turn_the_clock_back(shop: Shop) -> None:
    ada = await shop.customer()
    await shop.run_to_the_end()
    me = (await ada.get("/v1/users/me")).json()
    await shop.write("UPDATE users SET last_login_at = '2099-01-01 00:00:00.000000'")
    await log_in(shop)
    await shop.run_to_the_end()
    later = (await ada.get("/v1/users/me")).json()
    assert (later["login_count"], later["last_login_at"][:4]) == (me["login_count"] + 1, "2099")


async def test_an_unknown_address_and_a_wrong_password_are_answered_alike(shop: Shop) -> None:
    await shop.customer()
    answers = [await log_in(shop, password="something else"), await log_in(shop, email="bob@example.com")]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].content == answers[1].content
    assert answers[0].headers == answers[1].headers


async def test_an_unknown_address_costs_a_password_check_too(corner_shop: Shop, monkeypatch: Any) -> None:
    await corner_shop.customer()
    passwords, checked = dict(corner_shop._state)["doorman"].passwords, []

    async def fits(password: Any, stored: str | None) -> bool:
        checked.append(stored or NOBODYS)
        return bool(await real(password, stored))

    real = passwords.fits
    monkeypatch.setattr(passwords, "fits", fits)
    await log_in(corner_shop, email="bob@example.com")
    await log_in(corner_shop, password="something else")
    assert [stored[: len("$argon2id$v=19$m=19456,t=2,p=1$")] for stored in checked] == [
        "$argon2id$v=19$m=19456,t=2,p=1$"
    ] * 2


async def test_a_refused_login_is_audited_without_what_was_typed(shop: Shop) -> None:
    ada = await shop.customer()
    me = (await ada.get("/v1/users/me")).json()
    await log_in(shop, password="my other secret")
    await log_in(shop, email="my.secret@example.com")
    unknown, known = await audited(shop, "login_refused")
    assert (known["subject_id"], unknown["subject_id"]) == (me["id"], "unknown")
    assert {(entry["actor"], entry["outcome"], entry["ip"]) for entry in (known, unknown)} == {
        ("anonymous", "refused", "127.0.0.1")
    }
    assert "secret" not in str([known, unknown])


async def test_nobody_floods_the_audit_with_refused_logins(shop: Shop) -> None:
    await shop.customer()
    for _ in range(PER_SUBJECT + 3):
        await log_in(shop, email="bob@example.com")
    await log_in(shop, password="something else")
    entries = await audited(shop, "login_refused")
    of_nobody = [entry for entry in entries if entry["subject_id"] == "unknown"]
    assert (len(of_nobody), len(entries)) == (PER_SUBJECT, PER_SUBJECT + 1)
    assert "no more" in of_nobody[0]["after"]["note"]
    shop.clock.advance(timedelta(hours=1))
    await log_in(shop, email="bob@example.com")
    assert len(await audited(shop, "login_refused")) == PER_SUBJECT + 2


async def test_logging_out_ends_the_session_at_once_and_no_other(shop: Shop) -> None:
    one, other = await shop.customer(), await shop.login()
    assert (await one.get("/v1/users/me")).status_code == 200
    assert (await one.post("/v1/logout")).status_code == 204
    assert (await one.get("/v1/users/me")).status_code == 401
    assert (await other.get("/v1/users/me")).status_code == 200
    assert len(await audited(shop, "user_logged_out")) == 1


async def test_a_session_ends_by_itself(shop: Shop) -> None:
    ada = await shop.customer()
    shop.clock.advance(timedelta(days=7, seconds=1))
    assert (await ada.get("/v1/users/me")).status_code == 401


async def test_a_password_that_changes_while_it_is_checked_opens_nothing(shop: Shop) -> None:
    await shop.customer()
    passwords = dict(shop._state)["doorman"].passwords
    real = passwords.fits

    async def fits(password: Any, stored: str | None) -> bool:
        is_right = await real(password, stored)
        await shop.write("UPDATE users SET password_hash = 'another'")
        return bool(is_right)

    passwords.fits = fits
    assert (await log_in(shop)).status_code == 401


@pytest.mark.parametrize(("what", "body"), list(spoiled(a_login())))
async def test_a_bad_login_is_refused_and_nothing_is_stored(corner_shop: Shop, what: str, body: bytes) -> None:
    await corner_shop.client(None).post("/v1/signup", json=a_signup())
    answer = await corner_shop.client(None).post(
        "/v1/login", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in REFUSALS | {401}, what  # text that is none of ours is a wrong password
    assert PASSWORD not in answer.text
    assert corner_shop.count("sessions") == 0


@pytest.mark.parametrize(
    ("given", "kept"), [(None, None), ("Lynx", "Lynx"), ("a\x00b\x1b[31m", "a?b?[31m"), ("x" * 999, "x" * 300)]
)
def test_a_user_agent_is_kept_short_and_printable(given: str | None, kept: str | None) -> None:
    assert printable(given) == kept
