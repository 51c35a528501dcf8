"""`orders keys`: what is printed, for people and for programs, and how it ends when it does not work."""

import json

import pytest

from tests.builders.shop import Shop
from tests.builders.terminal import Terminal
from tests.harness.processes import free_port


async def test_a_key_is_printed_alone_so_that_a_shell_can_keep_it(corner_shop: Shop, terminal: Terminal) -> None:
    said = await terminal.run("keys", "create", "web-shop", "--scope", "orders:read", "--scope", "reports")
    assert (await corner_shop.client(said.out.strip()).get("/v1/orders")).status_code == 200
    assert "cannot be shown again" in said.err


async def test_programs_get_json(corner_shop: Shop, terminal: Terminal) -> None:
    issued = json.loads((await terminal.run("keys", "create", "ops", "--admin", "--json")).out)
    assert issued["is_admin"]
    listed = json.loads((await terminal.run("keys", "list", "--json")).out)["items"]
    assert [key["id"] for key in listed] == [issued["id"]]
    assert json.loads((await terminal.run("keys", "revoke", issued["id"], "--json")).out) == {
        "id": issued["id"],
        "revoked": True,
    }


async def test_people_get_a_line_for_each_key(corner_shop: Shop, terminal: Terminal) -> None:
    key = (await terminal.run("keys", "create", "web-shop", "--scope", "reports")).out.strip()
    key_id = key.split("_")[1]
    assert (await terminal.run("keys", "revoke", key_id)).out == f"Key {key_id} is revoked.\n"
    [headings, line] = (await terminal.run("keys", "list")).lines
    assert headings.split() == ["ID", "CREATED", "STATE", "PRINCIPAL", "MAY"]
    assert line.startswith(f"{key_id}  ")
    assert line.split()[-2:] == ["web-shop", "reports"]
    assert "revoked" in line
    assert key.rpartition("_")[2] not in line


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("create", "No Name"), "Invalid request: principal: "),
        (("create", "shop", "--scope", "everything"), "Invalid request: scopes"),
        (("revoke", "0123456789abcdef"), "Not found: "),
        (("revoke", "../orders"), "Not found: "),
    ],
)
async def test_a_refusal_is_one_line_and_ends_with_1(
    corner_shop: Shop, terminal: Terminal, words: tuple[str, ...], says: str
) -> None:
    assert (await terminal.run("keys", *words, code=1)).complaint.startswith(says)


async def test_a_wrong_credential_is_said(
    corner_shop: Shop, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORDERS_ADMIN_KEY", "no key of anybody's")
    assert (await terminal.run("keys", "list", code=1)).complaint.startswith("Unauthenticated: ")


async def test_a_service_that_is_away_ends_with_2(terminal: Terminal) -> None:
    said = await terminal.run("keys", "list", "--url", f"http://127.0.0.1:{free_port()}", code=2)
    assert "does not answer" in said.complaint


async def test_no_keys_are_a_word_and_no_table(corner_shop: Shop, terminal: Terminal) -> None:
    assert (await terminal.run("keys", "list")).complaint == "There are no keys."
