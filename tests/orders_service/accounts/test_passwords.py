"""The passwords' threads: so many at a time, beside the event loop, and an end to the line."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from orders_service.accounts import passwords
from orders_service.accounts.passwords import ARGON2, NOBODYS, Passwords
from pipelines import Overloaded
from tests.builders.accounts import a_login, a_signup
from tests.builders.shop import Shop

SECRET = SecretStr("correct horse")


@pytest.fixture
def pool() -> Iterator[Passwords]:
    made = Passwords(threads=1, most_at_once=2)
    yield made
    made.close()


async def test_the_password_that_was_hashed_fits_and_no_other(pool: Passwords) -> None:
    stored = await pool.hashed(SECRET)
    assert await pool.fits(SECRET, stored)
    assert not await pool.fits(SecretStr("correct horsf"), stored)
    assert not await pool.fits(SECRET, None)


async def test_each_hash_has_a_salt_of_its_own_unless_it_is_given_one(pool: Passwords) -> None:
    assert await pool.hashed(SECRET) != await pool.hashed(SECRET)
    assert await pool.hashed(SECRET, salt=b"x" * 16) == await pool.hashed(SECRET, salt=b"x" * 16)


async def test_the_same_letters_fit_however_they_were_typed(pool: Passwords) -> None:
    assert await pool.fits(SecretStr("cafe\u0301 noir"), await pool.hashed(SecretStr("caf\u00e9 noir")))


def test_nobodys_hash_costs_what_everybodys_does() -> None:
    assert not ARGON2.current_hasher.check_needs_rehash(NOBODYS)


async def test_whoever_would_wait_too_long_is_told_at_once_and_room_comes_back(
    pool: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_go = threading.Event()
    monkeypatch.setattr(passwords, "_normal", lambda _: may_go.wait(10) and b"x")
    waiting = [asyncio.create_task(pool.hashed(SECRET)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await pool.hashed(SECRET)
    waiting[1].cancel()
    may_go.set()
    await asyncio.wait(waiting)
    assert await pool.hashed(SECRET)


async def test_it_is_none_of_the_threads_that_others_wait_for(pool: Passwords, monkeypatch: pytest.MonkeyPatch) -> None:
    names: list[str] = []

    def noting(_: SecretStr) -> bytes:
        names.append(threading.current_thread().name)
        return b"x"

    monkeypatch.setattr(passwords, "_normal", noting)
    await pool.hashed(SECRET)
    assert names == ["passwords_0"]


@pytest.mark.parametrize(("path", "body"), [("/v1/signup", a_signup()), ("/v1/login", a_login())])
async def test_too_many_at_the_door_are_asked_to_come_again(corner_shop: Shop, path: str, body: Any) -> None:
    doorman = dict(corner_shop._state)["doorman"]
    doorman.passwords.close()
    doorman.passwords = Passwords(most_at_once=1)
    doorman.passwords._room.acquire()
    answer = await corner_shop.client(None).post(path, json=body)
    assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
    assert answer.headers["retry-after"]
    assert corner_shop.count("users") == 0
