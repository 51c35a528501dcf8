"""The door of the console: who gets in, for how long, and what a form must bring."""

from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from orders_service.auth import CONSOLE_SESSIONS_LAST, Scope, issue_key, remove_ended_sessions, revoke_key
from orders_service.console.visits import COOKIE
from orders_service.settings import DEVELOPMENT_KEY
from tests.builders.console import ORIGIN, Visitor, signed_in, who_only_looks
from tests.builders.operations import audited
from tests.builders.shop import Shop, open_shop

HEADERS = {"Origin": "https://evil.test"}


async def test_whoever_has_not_signed_in_is_led_to_the_door_and_back(shop: Shop) -> None:
    visitor = Visitor(shop)
    page = await visitor.client.get("/console", params={"a": "1"})
    assert page.url.path == "/console/sign-in"
    assert 'name="next" value="/console?a=1"' in page.text
    answer = await visitor.client.post(
        "/console/sign-in", data={"credential": DEVELOPMENT_KEY, "next": "/console?a=1"}, follow_redirects=False
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/console?a=1")


async def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(corner_shop: Shop) -> None:
    answer = await Visitor(corner_shop).client.post(
        "/console/sign-in", data={"credential": DEVELOPMENT_KEY}, follow_redirects=False
    )
    said = answer.headers["set-cookie"]
    assert said.startswith("__Host-")
    assert {"HttpOnly", "Secure", "Path=/", "SameSite=strict"} <= set(said.split("; "))
    assert DEVELOPMENT_KEY not in said


@pytest.mark.parametrize("credential", ["wrong", "ok_0_0", "\x00", "ok_" + "a" * 400])
async def test_an_unknown_credential_is_refused(corner_shop: Shop, credential: str) -> None:
    answer = await Visitor(corner_shop).sign_in(credential)
    assert answer.status_code == 401
    assert "not known" in answer.text
    assert not answer.cookies


async def test_a_customers_key_may_not_look(corner_shop: Shop) -> None:
    answer = await Visitor(corner_shop).sign_in(await corner_shop.process.write(issue_key, "ann"))
    assert answer.status_code == 401
    assert "operations:read" in answer.text


@pytest.mark.parametrize(
    "target", ["//evil.test", "https://evil.test/console", "/v1/orders", "/console\\x", "/consolex", "//["]
)
async def test_nobody_is_led_away(corner_shop: Shop, target: str) -> None:
    answer = await Visitor(corner_shop).client.post(
        "/console/sign-in", data={"credential": DEVELOPMENT_KEY, "next": target}, follow_redirects=False
    )
    assert answer.headers["location"] == "/console"


async def test_whoever_is_signed_in_is_not_asked_again(corner_shop: Shop) -> None:
    visitor = await signed_in(corner_shop)
    answer = await visitor.client.get("/console/sign-in", params={"next": "/console?a=1"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/console?a=1")


async def test_a_session_ends_with_its_key(corner_shop: Shop) -> None:
    key = await corner_shop.process.write(issue_key, "ops", scopes=[Scope.OPERATIONS_READ])
    visitor = await signed_in(corner_shop, key)
    await visitor.see("/console")
    await corner_shop.process.write(revoke_key, key.split("_")[1])
    assert (await visitor.client.get("/console")).url.path == "/console/sign-in"


async def test_a_session_of_the_admin_ends_with_a_change_of_the_admins_key(sqlite_url: str, tmp_path: Path) -> None:
    async with open_shop(sqlite_url, tmp_path) as shop:
        cookies = (await signed_in(shop)).client.cookies
    async with open_shop(sqlite_url, tmp_path, admin_key="another-key-of-the-admin-0123456789") as shop:
        visitor = Visitor(shop)
        visitor.client.cookies = cookies
        assert (await visitor.client.get("/console")).url.path == "/console/sign-in"


async def test_a_session_ends_by_itself_and_is_cleaned_up(shop: Shop) -> None:
    visitor = await signed_in(shop)
    shop.clock.advance(CONSOLE_SESSIONS_LAST + timedelta(seconds=1))
    assert (await visitor.client.get("/console")).url.path == "/console/sign-in"
    assert shop.count("console_sessions") == 1
    removed = await shop.process.write(partial(remove_ended_sessions, before=shop.clock.now(), most=10))
    assert removed == 1
    assert shop.count("console_sessions") == 0


async def test_whoever_signs_out_is_out_with_the_same_cookie_too(corner_shop: Shop) -> None:
    visitor = await signed_in(corner_shop)
    cookie = visitor.client.cookies[COOKIE]
    assert (await visitor.do("/console/sign-out")).url.path == "/console/sign-in"
    again = await Visitor(corner_shop).client.get("/console", headers={"Cookie": f"{COOKIE}={cookie}"})
    assert again.url.path == "/console/sign-in"


async def test_signing_in_and_out_is_audited(corner_shop: Shop) -> None:
    visitor = await signed_in(corner_shop)
    await visitor.do("/console/sign-out")
    done = [(entry["actor"], entry["action"]) for entry in await audited(corner_shop)]
    assert done == [("admin", "console_signed_in"), ("admin", "console_signed_out")]


async def test_the_key_is_named_on_the_developers_own_machine_only(sqlite_url: str, tmp_path: Path) -> None:
    async with open_shop(sqlite_url, tmp_path) as shop:
        assert DEVELOPMENT_KEY in await Visitor(shop).see("/console/sign-in")
    async with open_shop(sqlite_url, tmp_path, admin_key="another-key-of-the-admin-0123456789") as shop:
        page = await Visitor(shop).see("/console/sign-in")
        assert DEVELOPMENT_KEY not in page
        assert "another-key" not in page


@pytest.mark.parametrize("token", ["", "0" * 64, "é"])
async def test_a_form_without_this_sessions_token_changes_nothing(corner_shop: Shop, token: str) -> None:
    visitor = await signed_in(corner_shop)
    answer = await visitor.do("/console/sign-out", csrf=token)
    assert answer.status_code == 403
    assert "not sent from a page of this session" in answer.text
    await visitor.see("/console")


async def test_a_form_of_another_site_changes_nothing(corner_shop: Shop) -> None:
    visitor = await signed_in(corner_shop)
    for path, form in (
        ("/console/sign-out", {"csrf": visitor.token}),
        ("/console/sign-in", {"credential": DEVELOPMENT_KEY}),
    ):
        answer = await visitor.client.post(path, data=form, headers=HEADERS)
        assert answer.status_code == 403
    assert (
        await visitor.client.post("/console/sign-out", data={"csrf": visitor.token}, headers={"Origin": ORIGIN})
    ).url.path == "/console/sign-in"


async def test_where_a_form_comes_from_may_be_nonsense(corner_shop: Shop) -> None:
    form = {"credential": DEVELOPMENT_KEY}
    answer = await Visitor(corner_shop).client.post("/console/sign-in", data=form, headers={"Origin": "http://["})
    assert answer.status_code == 403


async def test_the_key_of_the_admin_may_look_like_any_other(sqlite_url: str, tmp_path: Path) -> None:
    key = "ok_of_the_admin_0123456789abcdef"
    async with open_shop(sqlite_url, tmp_path, admin_key=key) as shop:
        await (await signed_in(shop, key)).see("/console")


async def test_the_cookie_is_no_credential_of_the_api(corner_shop: Shop) -> None:
    visitor = await signed_in(corner_shop)
    cookie = visitor.client.cookies[COOKIE]
    assert (await visitor.client.get("/v1/runs")).status_code == 401
    for bearer in (cookie, f"os_{cookie}", f"ok_{cookie}"):
        answer = await corner_shop.client(bearer).get("/v1/runs")
        assert answer.status_code == 401


async def test_whoever_only_looks_is_told_so(corner_shop: Shop) -> None:
    page = await (await who_only_looks(corner_shop)).see("/console")
    assert "read only" in page
    assert "/console/audit" not in page
