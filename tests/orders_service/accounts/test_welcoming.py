"""What follows a signup: a profile, a letter, the CRM, the audit; and what does when something of it fails."""

from typing import Any

import httpx2
import pytest
from sqlmodel import col, select

from orders_service.accounts.welcoming import NewAccount, finish_welcome
from orders_service.auth import Session
from orders_service.gateways import MailRefused, MailUnavailable
from pipelines import Ending, RunState
from tests.builders.accounts import a_login, a_signup
from tests.builders.shop import Shop


async def signed_up(shop: Shop, **fields: Any) -> Any:
    return (await shop.client(None).post("/v1/signup", json=a_signup(**fields))).json()


async def seen(shop: Shop, account: Any) -> Any:
    answer: httpx2.Response = await shop.api.get(f"/v1/users/{account['id']}")
    return answer.json()


async def test_a_welcome_makes_the_account_active_and_tells_everybody(shop: Shop) -> None:
    account = await signed_up(shop)
    await shop.run_to_the_end()
    shown = await seen(shop, account)
    assert (shown["status"], shown["crm"]["state"]) == ("active", "synced")
    [(_, letter)] = shop.mail.letters
    assert (letter.to, letter.subject) == ("ada@example.com", "Welcome")
    assert letter.text.startswith("Hello Ada Lovelace,\n")
    [(_, told)] = shop.crm.told
    assert (str(told.id), told.email, told.name, told.version) == (account["id"], account["email"], "Ada Lovelace", 1)
    [entry] = (await shop.api.get("/v1/audit", params={"action": "user_signed_up"})).json()["items"]
    assert (entry["actor"], entry["ip"]) == (f"user:{account['id']}", "127.0.0.1")


async def test_a_letter_that_is_lost_is_sent_again_under_the_same_key(shop: Shop) -> None:
    shop.mail.door.troubles = [MailUnavailable(), MailUnavailable()]
    account = await signed_up(shop)
    await shop.run_to_the_end()
    assert shop.run(account).state is RunState.COMPLETED
    assert len({key for key, _ in shop.mail.letters}) == 1
    assert len(shop.mail.letters) == 3


async def test_an_address_that_nobody_reads_for_long_gets_no_account(shop: Shop) -> None:
    shop.mail.door.close()
    account = await signed_up(shop, email="ada@mailinator.com")
    await shop.run_to_the_end()
    assert shop.run(account).state is RunState.REJECTED
    assert (await seen(shop, account))["status"] == "refused"
    assert (shop.mail.letters, shop.crm.told) == ([], [])
    [entry] = (await shop.api.get("/v1/audit", params={"action": "user_refused"})).json()["items"]
    assert entry["after"] == {"reason": "we open no accounts at mailinator.com"}
    answer = await shop.client(None).post("/v1/login", json=a_login(email="ada@mailinator.com"))
    assert answer.status_code == 401


async def test_whoever_is_refused_after_logging_in_is_out_again(shop: Shop) -> None:
    ada = await shop.customer()
    await shop.run_to_the_end()
    me = (await ada.get("/v1/users/me")).json()
    account = NewAccount(user_id=me["id"], email=me["email"], name=me["name"], signed_up_at=me["created_at"])
    await shop.process.write(lambda tx: finish_welcome(account, Ending(RunState.REJECTED, "no"), tx))
    assert shop.rows(select(Session).where(col(Session.revoked_at).is_(None))) == []


@pytest.mark.parametrize("name", ["Buy now https://evil.example", "www.evil.example", "<b>Ada</b>", "call 0900 123"])
async def test_a_letter_advertises_nothing_that_was_typed(corner_shop: Shop, name: str) -> None:
    account = await signed_up(corner_shop, name=name)
    await corner_shop.run_to_the_end()
    [(_, letter)] = corner_shop.mail.letters
    assert letter.text.startswith("Hello,\n")
    assert (await seen(corner_shop, account))["name"] == name


async def test_an_address_that_takes_no_mail_opens_an_account_that_is_audited_and_told_of(shop: Shop) -> None:
    shop.mail.door.troubles = [MailRefused("no such mailbox")]
    account = await signed_up(shop)
    await shop.run_to_the_end()
    assert shop.run(account).state is RunState.COMPLETED
    assert [user.email for _, user in shop.crm.told] == [account["email"]]
    [entry] = (await shop.api.get("/v1/audit", params={"action": "user_signed_up"})).json()["items"]
    assert entry["after"]["welcome_mail_taken"] is False


async def test_the_owner_follows_the_work_on_the_account_and_nobody_else_does(shop: Shop) -> None:
    account = await signed_up(shop)
    await shop.run_to_the_end()
    ada, bob = await shop.login(), await shop.customer(email="bob@example.com")
    assert (await ada.get(account["run"]["url"])).json()["state"] == "completed"
    assert (await bob.get(account["run"]["url"])).status_code == 404
