from typing import Any
from uuid import uuid4

import httpx2
import pytest

from orders_service.auth import CUSTOMER_SCOPES, Scope
from tests.builders.hostile import REFUSALS, spoiled
from tests.builders.sales import reported, requested
from tests.builders.shop import Shop

GOOD = {
    "type": "sales",
    "from": "2026-03-01",
    "to": "2026-03-31",
    "time_zone": "Europe/Berlin",
    "notify_email": "ada@example.com",
}
STAFF = CUSTOMER_SCOPES | {Scope.REPORTS}


async def test_a_request_is_accepted_and_says_where_to_look(shop: Shop) -> None:
    response = await shop.api.post("/v1/reports", json=GOOD)
    report = response.json()
    assert response.status_code == 202
    assert response.headers["location"] == f"/v1/reports/{report['id']}"
    assert response.headers["retry-after"] == "1"
    assert {name: report[name] for name in GOOD} == GOOD
    assert (report["state"], report["progress"]) == ("pending", {"done": 0, "total": 100})
    assert (report["result"], report["files"], report["error"]) == (None, None, None)
    assert report["run"]["url"] == f"/v1/runs/{report['run']['id']}"


async def test_a_report_that_is_ready_need_not_be_asked_for_again(shop: Shop) -> None:
    report = await reported(shop, since="2026-03-01", until="2026-03-31")
    response = await shop.api.get(f"/v1/reports/{report['id']}")
    assert "retry-after" not in response.headers
    assert report["files"] == {
        each: f"/v1/reports/{report['id']}/file?format={each}" for each in ("csv", "html", "json")
    }
    assert report["finished_at"] >= report["created_at"]


async def test_the_run_says_what_it_was_for(shop: Shop) -> None:
    report = await reported(shop, type="stock")
    run = (await shop.api.get(report["run"]["url"])).json()
    assert run["result"] == {"report_id": report["id"], "type": "stock", "url": f"/v1/reports/{report['id']}"}


async def test_a_repeated_request_makes_no_second_report(shop: Shop) -> None:
    answers = [await shop.api.post("/v1/reports", json=GOOD, headers={"Idempotency-Key": "once"}) for _ in range(2)]
    assert answers[0].content == answers[1].content
    assert [answer.headers.get("idempotent-replayed") for answer in answers] == [None, "true"]
    assert answers[1].headers["location"] == answers[0].headers["location"]
    assert (shop.count("reports"), shop.count("audit_entries")) == (1, 1)


async def test_a_key_is_good_for_one_request(shop: Shop) -> None:
    await shop.api.post("/v1/reports", json=GOOD, headers={"Idempotency-Key": "once"})
    other = await shop.api.post("/v1/reports", json=GOOD | {"type": "stock"}, headers={"Idempotency-Key": "once"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-conflict")


@pytest.mark.parametrize(("what", "body"), list(spoiled(GOOD)), ids=lambda value: str(value)[:40])
async def test_a_body_that_nobody_means_is_refused(corner_shop: Shop, what: str, body: bytes) -> None:
    response = await corner_shop.api.post("/v1/reports", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code in REFUSALS, what
    assert (corner_shop.count("reports"), corner_shop.count("audit_entries")) == (0, 0)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("type", "profit"),
        ("type", None),
        ("from", "yesterday"),
        ("from", "2026-02-30"),
        ("from", "20260301"),
        ("from", "2026-W10-1"),
        ("from", "1999-12-31"),
        ("from", "3000-01-01"),
        ("from", "2026-03-01T00:00:00"),
        ("from", "1772323200"),
        ("from", 1772323200),
        ("to", "2026-03-01 12:00"),
        ("to", ""),
        ("time_zone", "Europe/Atlantis"),
        ("time_zone", "Asia"),
        ("time_zone", "../../etc/passwd"),
        ("time_zone", "/etc/localtime"),
        ("time_zone", "localtime"),
        ("time_zone", "right/Europe/Berlin"),
        ("time_zone", "+02:00"),
        ("time_zone", ""),
        ("notify_email", "ada"),
        ("notify_email", "ada@example.com\r\nBcc: bob@example.com"),
        ("notify_email", ["ada@example.com"]),
    ],
)
async def test_a_value_that_is_none_is_named_and_not_quoted(corner_shop: Shop, field: str, value: Any) -> None:
    response = await corner_shop.api.post("/v1/reports", json=GOOD | {field: value})
    assert response.status_code == 422
    assert field in {
        flaw["pointer"].split("/")[1] for flaw in response.json().get("errors", [{"pointer": f"/{field}"}])
    }
    assert not value or str(value) not in response.text
    assert corner_shop.count("reports") == 0


@pytest.mark.parametrize(
    ("since", "until"), [("2026-03-02", "2026-03-01"), ("2024-01-01", "2026-01-01"), ("2999-01-01", None)]
)
async def test_a_range_that_is_none_is_refused(shop: Shop, since: str, until: str | None) -> None:
    response = await shop.api.post("/v1/reports", json={"type": "sales", "from": since, "to": until})
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, "/from")
    assert (shop.count("reports"), shop.count("runs"), shop.count("audit_entries")) == (0, 0, 0)


async def listed(client: httpx2.AsyncClient, **query: Any) -> Any:
    response = await client.get("/v1/reports", params=query)
    assert response.status_code == 200, response.text
    return response.json()


async def test_an_owner_sees_their_own_reports_and_an_admin_all(shop: Shop) -> None:
    ada, bob = await shop.client_of("ada", scopes=STAFF), await shop.client_of("bob", scopes=STAFF)
    of_ada, of_bob = await requested(shop, by=ada), await requested(shop, by=bob)
    shown = [[report["id"] for report in (await listed(client))["items"]] for client in (ada, bob, shop.api)]
    assert shown == [[of_ada["id"]], [of_bob["id"]], [of_bob["id"], of_ada["id"]]]


async def test_reports_are_listed_in_pages_without_their_results(shop: Shop) -> None:
    made = [(await reported(shop, type="stock"))["id"] for _ in range(3)]
    first = await listed(shop.api, limit=2)
    rest = await listed(shop.api, limit=2, cursor=first["next"])
    assert [report["id"] for page in (first, rest) for report in page["items"]] == made[::-1]
    assert rest["next"] is None
    assert {report["result"] is None and report["files"] is not None for report in first["items"]} == {True}


@pytest.mark.parametrize(("method", "suffix"), [("GET", ""), ("GET", "/file"), ("POST", "/cancel")])
async def test_somebody_elses_report_is_answered_like_a_missing_one(shop: Shop, method: str, suffix: str) -> None:
    report, bob = await reported(shop, type="stock"), await shop.client_of("bob", scopes=STAFF)
    answers = [
        await bob.request(method, f"/v1/reports/{report_id}{suffix}", headers={"X-Request-Id": "same"})
        for report_id in (report["id"], uuid4())
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content
    assert answers[0].headers == answers[1].headers


@pytest.mark.parametrize(
    ("method", "path"), [("GET", ""), ("GET", "/file"), ("POST", "/cancel"), ("GET", "/no-such-path")]
)
async def test_a_key_without_the_scope_sees_no_report(shop: Shop, method: str, path: str) -> None:
    ada = await shop.client_of("ada")
    response = await ada.request(method, f"/v1/reports/{uuid4()}{path}")
    assert response.status_code == (404 if path == "/no-such-path" else 403)


async def test_the_owner_of_a_run_is_that_of_its_report(shop: Shop) -> None:
    ada, bob = await shop.client_of("ada", scopes=STAFF), await shop.client_of("bob", scopes=STAFF)
    report = await requested(shop, by=ada)
    assert [(await client.get(report["run"]["url"])).status_code for client in (ada, bob)] == [200, 404]


async def test_it_is_written_down_who_has_asked_for_what(shop: Shop) -> None:
    report = await requested(shop, since="2026-03-01", until="2026-03-31")
    (entry,) = (await shop.api.get("/v1/audit")).json()["items"]
    assert (entry["actor"], entry["action"], entry["subject_id"]) == ("admin", "report_requested", report["id"])
    assert entry["after"] == {"type": "sales", "first": "2026-03-01", "last": "2026-03-31", "time_zone": "UTC"}
