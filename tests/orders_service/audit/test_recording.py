"""An entry is there exactly when the change is there, says who and from where, and is never altered."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from orders_service.audit import Note, by_service, record
from orders_service.ids import new_id
from pipelines import Transaction
from tests.builders.operations import audited
from tests.builders.shop import Shop
from tests.harness import schemas

NOTE = Note(actor="ada", actor_type="key", action="mug_broken", subject_type="mug", subject_id="MUG-01")
PAUSE = "/v1/pipelines/fulfill-order/pause"
REASON = {"reason": "because"}


class Refused(Exception):
    pass


def _break_a_mug(tx: Transaction, *, fails: bool = False) -> None:
    record(tx, NOTE, before={"mugs": 2}, after={"mugs": 1})
    tx.execute(text("UPDATE stock SET available = available - 1 WHERE sku = 'mug'"))
    if fails:
        raise Refused


async def test_an_entry_commits_with_the_change(shop: Shop) -> None:
    available = shop.shelf("mug")[0]
    await shop.process.write(_break_a_mug)
    [entry] = await audited(shop)
    assert (entry["before"], entry["after"], entry["outcome"]) == ({"mugs": 2}, {"mugs": 1}, "done")
    assert shop.shelf("mug")[0] == available - 1


async def test_a_change_that_fails_leaves_no_entry(shop: Shop) -> None:
    available = shop.shelf("mug")[0]
    with pytest.raises(Refused):
        await shop.process.write(_break_a_mug, fails=True)
    assert (shop.count("audit_entries"), shop.shelf("mug")[0]) == (0, available)


async def test_a_change_that_the_database_refuses_leaves_no_entry(shop: Shop) -> None:
    def take_too_much(tx: Transaction) -> None:
        record(tx, NOTE)
        tx.execute(text("UPDATE stock SET available = -1 WHERE sku = 'mug'"))

    with pytest.raises(DatabaseError):
        await shop.process.write(take_too_much)
    assert shop.count("audit_entries") == 0


async def test_what_did_not_change_is_not_told(shop: Shop) -> None:
    await shop.process.write(record, NOTE)
    [entry] = await audited(shop)
    assert (entry["before"], entry["after"]) == (None, None)
    [row] = shop.rows(text("SELECT count(*) FROM audit_entries WHERE before IS NULL AND after IS NULL"))
    assert row[0] == 1


@pytest.mark.parametrize("statement", ["UPDATE audit_entries SET actor = 'eve'", "DELETE FROM audit_entries"])
async def test_the_database_refuses_to_alter_an_entry(shop: Shop, statement: str) -> None:
    await shop.process.write(record, NOTE)
    with pytest.raises(DatabaseError, match="never"):
        await shop.write(statement)
    assert [entry["actor"] for entry in await audited(shop)] == ["ada"]


async def test_the_database_refuses_it_to_others_too(own_shop: Shop, database_url: str) -> None:
    await own_shop.process.write(record, NOTE)
    with pytest.raises(DatabaseError, match="never"), schemas.connected(database_url) as connection:
        connection.execute(text("DELETE FROM audit_entries WHERE actor = 'ada'"))
    assert own_shop.count("audit_entries") == 1


async def test_an_entry_names_the_request_and_where_it_came_from(shop: Shop) -> None:
    await shop.api.post(PAUSE, json=REASON, headers={"X-Request-Id": "req-4711"})
    [entry] = await audited(shop)
    assert (entry["request_id"], entry["ip"]) == ("req-4711", "127.0.0.1")
    assert entry["at"] is not None


async def test_an_admin_a_key_and_a_user_are_told_apart(shop: Shop) -> None:
    user = f"user:{new_id()}"
    for principal, is_admin in (("boss", True), ("robot", False), (user, False)):
        scopes = ["operations:write"]
        client = await shop.client_of(principal, is_admin=is_admin, scopes=scopes)
        await client.post("/v1/schedules/nothing/pause")
        await client.post(PAUSE, json=REASON)
        await client.post("/v1/pipelines/fulfill-order/resume")
    who = [(entry["actor"], entry["actor_type"]) for entry in await audited(shop)]
    assert who == [(p, t) for p, t in (("boss", "admin"), ("robot", "key"), (user, "user")) for _ in range(2)]


async def test_what_a_run_did_by_itself_is_told_as_the_services(shop: Shop) -> None:
    run_id = new_id()
    await shop.process.write(record, by_service("welcome", run_id, "user_welcomed", "u-1"))
    [entry] = await audited(shop)
    assert (entry["actor"], entry["actor_type"]) == (f"welcome/{run_id}", "service")
    assert (entry["subject_type"], entry["subject_id"], entry["ip"]) == ("user", "u-1", None)


async def test_a_batch_in_which_another_member_fails_keeps_the_entry_of_this_one(shop: Shop) -> None:
    answers = await asyncio.gather(
        *(shop.process.write(_break_a_mug, fails=place % 2 == 1) for place in range(10)), return_exceptions=True
    )
    assert sum(isinstance(answer, Refused) for answer in answers) == 5
    assert shop.count("audit_entries") == 5
