"""The sandbox CRM: what it accepts, and what it remembers."""

from pathlib import Path
from uuid import UUID

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from orders_service.gateways import Mailbox
from orders_service.sandbox import Sandbox, SandboxCrm, SandboxWarehouse, router
from orders_service.sandbox.crm import UnreadableUser
from tests.builders.fulfillment import SECRET

ADA, BOB = (str(UUID(int=number)) for number in (1, 2))
BODY = b'{"name": "<script>"}'


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return tmp_path / "sandbox" / "crm.jsonl"


@pytest.fixture
def client(ledger: Path) -> TestClient:
    app = FastAPI()
    warehouse, mailbox = SandboxWarehouse([SECRET], ledger.with_name("warehouse.jsonl")), Mailbox(ledger.parent)
    app.state.sandbox = Sandbox(warehouse, SandboxCrm(ledger), mailbox)
    app.include_router(router)
    return TestClient(app)


def test_it_remembers_the_latest_word_about_each_user(ledger: Path) -> None:
    crm = SandboxCrm(ledger)
    for user, key, body in ((ADA, "1", b'{"v": 1}'), (BOB, "2", b"{}"), (ADA, "3", b'{"v": 2}')):
        assert crm.put(user, body, key)
    assert [(known.id, known.user) for known in crm.users()] == [(ADA, {"v": 2}), (BOB, {})]


def test_the_same_call_again_changes_nothing(ledger: Path) -> None:
    crm = SandboxCrm(ledger)
    crm.put(ADA, b'{"v": 1}', "1")
    crm.put(ADA, b'{"v": 2}', "2")
    assert not crm.put(ADA, b'{"v": 1}', "1")
    assert crm.users()[0].user == {"v": 2}


def test_two_processes_on_one_ledger_are_one_crm(ledger: Path) -> None:
    here, there = (SandboxCrm(ledger) for _ in range(2))
    assert here.put(ADA, b'{"v": 1}', "1")
    assert not there.put(ADA, b'{"v": 1}', "1")
    assert there.put(ADA, b'{"v": 2}', "2")
    assert [known.user for known in here.users()] == [{"v": 2}]


def test_it_remembers_after_a_restart_all_but_half_a_line(ledger: Path) -> None:
    earlier = SandboxCrm(ledger)
    earlier.put(ADA, BODY, "1")
    ledger.write_bytes(ledger.read_bytes() + b'{"id": "')
    crm = SandboxCrm(ledger)
    assert crm.users() == earlier.users()
    assert not crm.put(ADA, BODY, "1")
    assert crm.put(BOB, BODY, "2")
    assert len(SandboxCrm(ledger).users()) == 2


@pytest.mark.parametrize(("body", "key"), [(b"", "k"), (b"[]", "k"), (b"{", "k"), (b"{}", ""), (b"{}", "k" * 256)])
def test_what_is_no_user_is_refused(ledger: Path, body: bytes, key: str) -> None:
    crm = SandboxCrm(ledger)
    with pytest.raises(UnreadableUser):
        crm.put(ADA, body, key)
    assert not crm.users()


def test_a_new_word_is_201_and_the_same_call_again_200(client: TestClient) -> None:
    for status in (201, 200):
        answer = client.put(f"/sandbox/crm/users/{ADA}", content=BODY, headers={"Idempotency-Key": "k"})
        assert answer.status_code == status
    assert client.put(f"/sandbox/crm/users/{ADA}", content=BODY).status_code == 400
    assert client.get("/sandbox/crm").json()[0]["user"] == {"name": "<script>"}


def test_a_browser_gets_a_page_in_which_nothing_can_run(client: TestClient) -> None:
    client.put(f"/sandbox/crm/users/{ADA}", content=BODY, headers={"Idempotency-Key": "k"})
    page = client.get("/sandbox/crm", headers={"Accept": "text/html"})
    assert "&lt;script&gt;" in page.text
    assert "<script" not in page.text
