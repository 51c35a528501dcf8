"""What the CRM is sent, and what each of its answers means: against a real server on the loopback."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from aiohttp import web

from orders_service.gateways import CrmRefused, CrmUnavailable, CrmUser, HttpCrm, open_http_session
from pipelines.errors import Throttled
from tests.harness.crm_server import CrmServer, crm_server
from tests.harness.raw_server import Talk, nothing, raw_server, silence
from tests.harness.warehouses import GUARD

ADA = CrmUser(
    id=UUID("01930000-0000-7000-8000-000000000001"),
    email="ada@example.com",
    name="Ada Lovelace",
    version=3,
    created_at=datetime(2026, 11, 28, 12, tzinfo=UTC),
)


@asynccontextmanager
async def crm_at(url: str, *, token: str | None = None, seconds: float = 5.0) -> AsyncIterator[HttpCrm]:
    async with open_http_session(GUARD) as session:
        yield HttpCrm(session, GUARD.admit(url), token=token, timeout_seconds=seconds)


@pytest.fixture
async def server() -> AsyncIterator[CrmServer]:
    async with crm_server() as server:
        yield server


async def test_a_user_is_put_under_its_id(server: CrmServer) -> None:
    async with crm_at(server.url) as crm:
        assert await crm.put_user(ADA, key="k-1")
    [call] = server.calls
    assert (call.method, call.path, call.key) == ("PUT", f"/api/users/{ADA.id}", "k-1")
    assert json.loads(call.body) == {
        "id": str(ADA.id),
        "email": "ada@example.com",
        "name": "Ada Lovelace",
        "version": 3,
        "created_at": "2026-11-28T12:00:00Z",
    }


@pytest.mark.parametrize(
    ("suffix", "path"), [("/", "/api/users/"), ("?tenant=7", "/api/users/"), ("/v2/", "/api/v2/users/")]
)
async def test_the_path_of_the_setting_goes_on(server: CrmServer, suffix: str, path: str) -> None:
    async with crm_at(server.url + suffix) as crm:
        await crm.put_user(ADA, key="k")
    assert server.calls[0].path == f"{path}{ADA.id}"
    assert server.calls[0].query == ("tenant=7" if "?" in suffix else "")


@pytest.mark.parametrize(("token", "sent"), [(None, None), ("secret", "Bearer secret")])
async def test_a_token_is_sent_if_one_is_set(server: CrmServer, token: str | None, sent: str | None) -> None:
    async with crm_at(server.url, token=token) as crm:
        await crm.put_user(ADA, key="k")
    assert server.calls[0].authorization == sent


async def test_all_attempts_send_equal_bytes_under_the_same_key(server: CrmServer) -> None:
    async with crm_at(server.url) as crm:
        for _ in range(2):
            await crm.put_user(ADA, key="k")
    assert len({(call.key, call.body) for call in server.calls}) == 1


@pytest.mark.parametrize("status", [300, 301, 408, 425, 429, 500, 502, 503, 504])
async def test_what_may_pass_is_unavailable(server: CrmServer, status: int) -> None:
    server.answers = lambda: web.Response(status=status, headers={"Location": "/elsewhere"})
    async with crm_at(server.url) as crm:
        with pytest.raises(CrmUnavailable) as failure:
            await crm.put_user(ADA, key="k")
    assert (failure.value.status, len(server.calls)) == (status, 1)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 422])
async def test_what_will_not_pass_is_refused(server: CrmServer, status: int) -> None:
    server.answers = lambda: web.Response(status=status)
    async with crm_at(server.url) as crm:
        with pytest.raises(CrmRefused) as failure:
            await crm.put_user(ADA, key="k")
    assert failure.value.status == status


async def test_a_pause_that_is_asked_for_is_a_throttle(server: CrmServer) -> None:
    server.answers = lambda: web.Response(status=429, headers={"Retry-After": "30"})
    async with crm_at(server.url) as crm:
        with pytest.raises(Throttled) as throttle:
            await crm.put_user(ADA, key="k")
    assert throttle.value.retry_after == timedelta(seconds=30)


@pytest.mark.parametrize("talk", [silence, nothing], ids=["hangs", "closes"])
async def test_no_answer_is_unavailable_and_shows_no_path(talk: Talk) -> None:
    async with raw_server(talk) as server, crm_at(f"http://127.0.0.1:{server.port}/canary", seconds=0.3) as crm:
        with pytest.raises(CrmUnavailable) as failure:
            await crm.put_user(ADA, key="k")
    assert "canary" not in str(failure.value)
