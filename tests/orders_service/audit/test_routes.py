"""The audit is read by admins and by keys that may, filtered, a page at a time; nobody writes it over HTTP."""

from datetime import timedelta
from typing import Any

import httpx2
import pytest

from orders_service.audit import Note, record
from orders_service.auth import Scope
from pipelines import Transaction
from tests.builders.shop import Shop

HOUR = timedelta(hours=1)


def _note(**said: str) -> Note:
    return Note(
        **{
            "actor": "ada",
            "actor_type": "key",
            "action": "mug_broken",
            "subject_type": "mug",
            "subject_id": "MUG-01",
            "request_id": "r-1",
        }
        | said
    )


async def recorded(shop: Shop, *notes: Note) -> None:
    def all_of_them(tx: Transaction) -> None:
        for note in notes:
            record(tx, note)

    await shop.process.write(all_of_them)


async def found(client: httpx2.AsyncClient, **asked: Any) -> list[Any]:
    answer = await client.get("/v1/audit", params=asked)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("actor", "bob"),
        ("action", "mug_bought"),
        ("subject_type", "cup"),
        ("subject_id", "MUG-02"),
        ("request_id", "r-2"),
    ],
)
async def test_entries_are_found_by_each_of_their_words(shop: Shop, field: str, value: str) -> None:
    await recorded(shop, _note(), _note(**{field: value}), _note())
    [entry] = await found(shop.api, **{field: value})
    assert entry[field] == value
    assert await found(shop.api, **{field: "nobody"}) == []
    assert len(await found(shop.api)) == 3


async def test_all_that_is_asked_must_hold(shop: Shop) -> None:
    await recorded(shop, _note(actor="bob"), _note(action="mug_bought"), _note(actor="bob", action="mug_bought"))
    assert len(await found(shop.api, actor="bob", action="mug_bought")) == 1


async def test_entries_are_found_by_their_time(shop: Shop) -> None:
    await recorded(shop, _note(subject_id="early"))
    shop.clock.advance(HOUR)
    between = shop.clock.now().isoformat()
    shop.clock.advance(HOUR)
    await recorded(shop, _note(subject_id="late"))
    assert [entry["subject_id"] for entry in await found(shop.api, created_after=between)] == ["late"]
    assert [entry["subject_id"] for entry in await found(shop.api, created_before=between)] == ["early"]


async def test_pages_follow_one_another_newest_first_under_their_filter(shop: Shop) -> None:
    for place in range(5):
        await recorded(shop, _note(subject_id=str(place)), _note(actor="bob"))
    asked: dict[str, Any] = {"actor": "ada", "limit": 2}
    read: list[str] = []
    while True:
        page = (await shop.api.get("/v1/audit", params=asked)).json()
        read += [entry["subject_id"] for entry in page["items"]]
        if page["next"] is None:
            break
        asked["cursor"] = page["next"]
    assert read == ["4", "3", "2", "1", "0"]


async def test_a_cursor_is_bound_to_its_filter(corner_shop: Shop) -> None:
    await recorded(corner_shop, _note(), _note(), _note())
    page = (await corner_shop.api.get("/v1/audit", params={"limit": 1, "actor": "ada"})).json()
    more = {"cursor": page["next"], "actor": "ada"}
    assert len(await found(corner_shop.api, **more)) == 2
    for other in ({"cursor": page["next"]}, more | {"actor": "bob"}, more | {"action": "mug_broken"}):
        answer = await corner_shop.api.get("/v1/audit", params=other)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request")
    runs = await corner_shop.api.get("/v1/runs", params={"cursor": page["next"]})
    assert runs.status_code == 422


async def test_a_key_needs_the_scope_and_a_customer_has_it_not(shop: Shop) -> None:
    await recorded(shop, _note())
    ada = await shop.client_of("ada")
    reader = await shop.client_of("reader", scopes=[Scope.AUDIT_READ])
    operator = await shop.client_of("grace", scopes=[Scope.OPERATIONS_READ, Scope.OPERATIONS_WRITE])
    answers = [await client.get("/v1/audit") for client in (shop.client(None), ada, operator, reader)]
    assert [answer.status_code for answer in answers] == [401, 403, 403, 200]
    assert [answer.json().get("items") for answer in answers[:3]] == [None] * 3


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_nobody_writes_it_over_http(corner_shop: Shop, method: str) -> None:
    answer = await corner_shop.api.request(method, "/v1/audit", json={})
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")


@pytest.mark.parametrize(
    "query",
    [
        "actor=a%00b",
        "actor=" + "x" * 201,
        "action=" + "x" * 65,
        "subject_type=" + "x" * 33,
        "subject_id=" + "x" * 201,
        "request_id=" + "x" * 129,
        "created_after=yesterday",
        "created_after=1700000000",
        "created_before=2026-01-01T00:00:00",
        "limit=0",
        "limit=201",
        "limit=9223372036854775808",
        "limit=NaN",
        "cursor=x",
        "cursor=" + "x" * 1001,
        "outcome=done",
        "ip=127.0.0.1",
    ],
)
async def test_a_question_that_nobody_means_is_refused(corner_shop: Shop, query: str) -> None:
    answer = await corner_shop.api.get(f"/v1/audit?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request")
