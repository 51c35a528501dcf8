"""The sandbox over HTTP."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from orders_service.gateways import Letter, Mailbox, Signatures
from orders_service.sandbox import Sandbox, SandboxCrm, SandboxWarehouse, router
from tests.builders.fulfillment import SECRET

EVENT = '{"type":"order.fulfillment_requested","data":{"city":"<script>"}}'


@pytest.fixture
def mailbox(tmp_path: Path) -> Mailbox:
    return Mailbox(tmp_path / "mail")


@pytest.fixture
def client(tmp_path: Path, mailbox: Mailbox) -> TestClient:
    app = FastAPI()
    app.state.sandbox = Sandbox(
        SandboxWarehouse([SECRET], tmp_path / "warehouse.jsonl"), SandboxCrm(tmp_path / "crm.jsonl"), mailbox
    )
    app.include_router(router)
    return TestClient(app)


def signed(key: str = "k-1", body: str = EVENT) -> dict[str, str]:
    return Signatures([SECRET]).headers(key, body, now=datetime.now(UTC))


def put(mailbox: Mailbox, *, subject: str = "Your order", key: str = "k-1") -> None:
    asyncio.run(mailbox.send(Letter("ann@example.com", subject, "Thank you.\n"), key=key))


def test_a_new_event_is_202_and_a_repeated_one_200(client: TestClient) -> None:
    answers = [client.post("/sandbox/warehouse", content=EVENT, headers=signed()) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 200]


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": ""},
        {"webhook-id": "another"},
        {"webhook-timestamp": "nan"},
        {"webhook-timestamp": "0"},
        {"webhook-signature": "no comma"},
        {"webhook-signature": "v1,not base64!"},
        {"webhook-signature": "v1,AAA"},
    ],
)
def test_a_bad_signature_is_401(client: TestClient, change: dict[str, str]) -> None:
    assert client.post("/sandbox/warehouse", content=EVENT, headers=signed() | change).status_code == 401


def test_no_signature_is_401(client: TestClient) -> None:
    assert client.post("/sandbox/warehouse", content=EVENT).status_code == 401


@pytest.mark.parametrize("body", [EVENT.encode() + b" ", b"\xff\xfe", b""])
def test_other_bytes_than_the_signed_ones_are_401(client: TestClient, body: bytes) -> None:
    assert client.post("/sandbox/warehouse", content=body, headers=signed()).status_code == 401


@pytest.mark.parametrize("body", ["not json", "[]"])
def test_a_signed_body_that_is_no_event_is_400(client: TestClient, body: str) -> None:
    assert client.post("/sandbox/warehouse", content=body, headers=signed(body=body)).status_code == 400


def test_a_huge_body_is_413(client: TestClient) -> None:
    assert client.post("/sandbox/warehouse", content=b" " * 70_000).status_code == 413


def test_it_shows_what_the_warehouse_received(client: TestClient) -> None:
    for key in ("k-1", "k-2"):
        client.post("/sandbox/warehouse", content=EVENT, headers=signed(key))
    shown = client.get("/sandbox/warehouse").json()
    assert [receipt["id"] for receipt in shown] == ["k-2", "k-1"]
    assert shown[0]["event"]["data"] == {"city": "<script>"}


def test_it_lists_the_mails(client: TestClient, mailbox: Mailbox) -> None:
    put(mailbox)
    (mail,) = client.get("/sandbox/mailbox").json()
    assert (mail["id"], mail["to"], mail["subject"]) == ("k-1", "ann@example.com", "Your order")


def test_it_shows_a_mail_as_plain_text(client: TestClient, mailbox: Mailbox) -> None:
    put(mailbox)
    answer = client.get("/sandbox/mailbox/k-1")
    assert answer.headers["content-type"].startswith("text/plain")
    assert "Message-ID: <k-1@localhost>" in answer.text


@pytest.mark.parametrize("mail_id", ["k-2", "..%2Fwarehouse", "%2e%2e%2fwarehouse.jsonl", "k-1%00", "a" * 300])
def test_a_mail_that_is_not_there_is_404(client: TestClient, mailbox: Mailbox, mail_id: str) -> None:
    put(mailbox)
    assert client.get(f"/sandbox/mailbox/{mail_id}").status_code == 404


def test_a_browser_gets_pages_in_which_nothing_can_run(client: TestClient, mailbox: Mailbox) -> None:
    put(mailbox, subject="<script>alert(1)</script>")
    client.post("/sandbox/warehouse", content=EVENT, headers=signed())
    for path in ("/sandbox/warehouse", "/sandbox/mailbox"):
        page = client.get(path, headers={"Accept": "text/html"})
        assert page.headers["content-type"].startswith("text/html")
        assert "&lt;script&gt;" in page.text
        assert "<script" not in page.text


def test_a_browser_finds_the_way_from_the_list_to_the_mail(client: TestClient, mailbox: Mailbox) -> None:
    put(mailbox)
    assert 'href="/sandbox/mailbox/k-1"' in client.get("/sandbox/mailbox", headers={"Accept": "text/html"}).text


@pytest.mark.parametrize("path", ["/sandbox/warehouse", "/sandbox/mailbox"])
def test_an_empty_sandbox_has_pages_too(client: TestClient, path: str) -> None:
    assert "0 shown" in client.get(path, headers={"Accept": "text/html"}).text


def test_the_sandbox_is_no_part_of_the_api(client: TestClient) -> None:
    assert "/sandbox" not in client.get("/openapi.json").text
