import json
from collections.abc import AsyncIterator

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.contextvars import get_contextvars
from structlog.testing import capture_logs

from orders_service.exchange import Limits
from tests.builders.edge_app import build_app, client_of
from tests.harness.uvicorn_server import serving, talk

APP = build_app(Limits())


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(APP) as client:
        yield client


@pytest.fixture
async def address() -> AsyncIterator[tuple[str, int]]:
    async with serving(APP) as address:
        yield address


def code_of(response: httpx2.Response) -> str:
    assert response.headers["content-type"] == "application/problem+json"
    code: str = response.json()["code"]
    return code


async def test_a_request_keeps_its_id_from_the_header_to_the_log(client: httpx2.AsyncClient) -> None:
    with capture_logs() as logged:
        response = await client.get("/v1/me", headers={"X-Request-Id": "trace-7"})

    assert response.json() == ["trace-7"] * 3
    assert response.headers["x-request-id"] == "trace-7"
    assert [entry["status"] for entry in logged] == [200]


async def test_a_request_without_an_id_gets_one(client: httpx2.AsyncClient) -> None:
    response = await client.get("/v1/me")

    assert set(response.json()) == {response.headers["x-request-id"]}


@pytest.mark.parametrize("path", ["/v1/nowhere", "/v1/bug"])
async def test_a_problem_names_the_id_of_its_request(client: httpx2.AsyncClient, path: str) -> None:
    response = await client.get(path, headers={"X-Request-Id": "trace-7"})

    assert response.json()["request_id"] == response.headers["x-request-id"] == "trace-7"


async def test_the_id_is_not_bound_beyond_its_request(client: httpx2.AsyncClient) -> None:
    await client.get("/v1/me")

    assert "request_id" not in get_contextvars()


async def test_one_line_tells_of_a_request(client: httpx2.AsyncClient) -> None:
    with capture_logs() as logged:
        await client.post("/v1/secret/import?colour=secret", content=b"")

    [line] = logged
    assert line.pop("milliseconds") >= 0
    assert line == {
        "event": "request",
        "log_level": "info",
        "method": "POST",
        "route": "/v1/{kind}/import",
        "status": 422,
        "problem": "invalid-request",
    }


async def test_health_checks_are_silent(client: httpx2.AsyncClient) -> None:
    with capture_logs() as logged:
        await client.get("/livez")

    assert logged == []


async def test_health_checks_are_silent_behind_a_proxy_too() -> None:
    async with serving(APP, root_path="/shop") as (host, port), httpx2.AsyncClient() as client:
        with capture_logs() as logged:
            assert (await client.get(f"http://{host}:{port}/livez")).status_code == 200

    assert logged == []


async def test_a_method_that_a_client_made_up_is_not_told(client: httpx2.AsyncClient) -> None:
    with capture_logs() as logged:
        await client.request("SECRET", "/v1/me")

    assert [entry["method"] for entry in logged] == ["other"]


async def test_a_bug_is_logged_once_and_its_text_stays_inside(client: httpx2.AsyncClient) -> None:
    with capture_logs() as logged:
        response = await client.get("/v1/bug")

    assert (response.status_code, code_of(response)) == (500, "internal-error")
    assert "secret" not in response.text
    assert [entry["event"] for entry in logged] == ["request_failed", "request"]


async def test_a_bug_does_not_reach_the_server(address: tuple[str, int], caplog: pytest.LogCaptureFixture) -> None:
    answer = await talk(address, b"GET /v1/bug HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"internal-error" in answer
    assert "Exception in ASGI application" not in caplog.text


async def test_an_answer_that_broke_off_is_not_completed(
    address: tuple[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    answer = await talk(address, b"GET /v1/late-bug HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")

    assert b"begun" in answer
    assert not answer.endswith(b"0\r\n\r\n")
    assert "Exception in ASGI application" not in caplog.text


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
drafts = st.fixed_dictionaries(
    {"email": st.just("ada@example.com") | anything},
    optional={
        "note": anything,
        "due_at": st.datetimes().map(lambda moment: f"{moment.isoformat()}+23:59") | anything,
        "lines": st.lists(st.fixed_dictionaries({"sku": anything, "quantity": anything}), max_size=2) | anything,
    },
)


async def post(content: bytes) -> int:
    async with client_of(APP) as client:
        response = await client.post("/v1/drafts", content=content, headers={"Content-Type": "application/json"})
    return response.status_code


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=100) | drafts.map(lambda draft: json.dumps(draft).encode()))
async def test_no_body_makes_the_service_fail(content: bytes) -> None:
    assert await post(content) in {201, 400, 422}


@settings(deadline=None)
@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=30))
async def test_no_address_makes_the_service_fail(path: str, name: str, value: str) -> None:
    address = httpx2.URL("http://orders.test").copy_with(raw_path=quoted(path, name, value))
    async with client_of(APP) as client:
        assert (await client.get(address)).status_code in {200, 404, 405, 422}


def quoted(path: str, name: str, value: str) -> bytes:
    def in_hex(text: str) -> str:
        return "".join(f"%{byte:02x}" for byte in text.encode("utf-8", "surrogatepass"))

    return f"/v1/forms/{in_hex(path)}?{in_hex(name)}={in_hex(value)}".encode()
