"""What the warehouse is sent: the shape, the bytes and the signatures."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta, timezone

import pytest
from aiohttp import web

from orders_service.gateways import HttpWarehouse
from tests.builders.fulfillment import OTHER_SECRET, SECRET, a_cancellation, a_request
from tests.harness.warehouses import warehouse_at


class Recorder:
    """A receiver that accepts everything and remembers how it came."""

    def __init__(self) -> None:
        self.requests: list[web.BaseRequest] = []
        self.bodies: list[bytes] = []

    async def receive(self, request: web.BaseRequest) -> web.Response:
        self.bodies.append(await request.read())
        self.requests.append(request)
        return web.Response(text="thank you")


@asynccontextmanager
async def recording(*secrets: str) -> AsyncIterator[tuple[HttpWarehouse, Recorder]]:
    recorder = Recorder()
    runner = web.ServerRunner(web.Server(recorder.receive))
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with warehouse_at(f"http://127.0.0.1:{runner.addresses[0][1]}/hook?a=b", *secrets) as warehouse:
            yield warehouse, recorder
    finally:
        await runner.cleanup()


async def test_a_request_has_the_shape_of_the_contract() -> None:
    async with recording() as (warehouse, recorder):
        await warehouse.request_fulfillment(a_request(lamp=2, chair=1), key="k")
    assert json.loads(recorder.bodies[0]) == {
        "type": "order.fulfillment_requested",
        "timestamp": "2026-11-21T12:00:00Z",
        "data": {
            "order_id": "01930000-0000-7000-8000-000000000001",
            "items": [{"sku": "lamp", "quantity": 2}, {"sku": "chair", "quantity": 1}],
            "shipping_address": {
                "name": None,
                "line1": "1 Main Street",
                "line2": None,
                "city": "Springfield",
                "postal_code": "12345",
                "country": "US",
            },
        },
    }


async def test_a_cancellation_has_the_shape_of_the_contract() -> None:
    async with recording() as (warehouse, recorder):
        await warehouse.cancel_fulfillment(a_cancellation(reason="out of lamps"), key="k")
    assert json.loads(recorder.bodies[0]) == {
        "type": "order.fulfillment_cancelled",
        "timestamp": "2026-11-21T12:00:00Z",
        "data": {"order_id": "01930000-0000-7000-8000-000000000001", "reason": "out of lamps"},
    }


async def test_all_attempts_send_equal_bytes_under_the_same_id() -> None:
    there = timezone(timedelta(hours=5))
    async with recording() as (warehouse, recorder):
        for zone in (UTC, there):
            moment = datetime(2026, 11, 21, 12, tzinfo=UTC).astimezone(zone)
            await warehouse.request_fulfillment(a_request(timestamp=moment), key="k-1")
    assert len(set(recorder.bodies)) == 1
    assert [request.headers["webhook-id"] for request in recorder.requests] == ["k-1", "k-1"]


async def test_an_independent_verifier_agrees_with_every_signature() -> None:
    async with recording(SECRET, OTHER_SECRET) as (warehouse, recorder):
        await warehouse.request_fulfillment(a_request(line1="Bahnhofstraße 1"), key="k-1")
    headers = recorder.requests[0].headers
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + recorder.bodies[0]
    expected = [
        "v1," + base64.b64encode(hmac.digest(base64.b64decode(secret[6:]), signed, hashlib.sha256)).decode()
        for secret in (SECRET, OTHER_SECRET)
    ]
    assert headers["webhook-signature"].split(" ") == expected


async def test_it_is_a_post_of_json_to_the_very_url() -> None:
    async with recording() as (warehouse, recorder):
        await warehouse.request_fulfillment(a_request(), key="k")
    request = recorder.requests[0]
    assert (request.method, request.path_qs, request.content_type) == ("POST", "/hook?a=b", "application/json")


async def test_a_compressed_answer_is_not_asked_for() -> None:
    async with recording() as (warehouse, recorder):
        await warehouse.request_fulfillment(a_request(), key="k")
    assert "Accept-Encoding" not in recorder.requests[0].headers


@pytest.mark.parametrize("key", ["a.b", "a\r\nX-Injected: 1", "a\x00b"])
async def test_a_key_that_is_no_header_value_is_refused(key: str) -> None:
    async with recording() as (warehouse, recorder):
        with pytest.raises(ValueError, match=r"dot|header"):
            await warehouse.request_fulfillment(a_request(), key=key)
    assert not recorder.requests
