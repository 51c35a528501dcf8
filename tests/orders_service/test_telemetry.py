"""Traces and log lines of the whole service: the request, its run, the calls of its steps; and nothing of the data."""

import asyncio
import io
import json
import os
import sys
from pathlib import Path

from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from orders_service.gateways import MailUnavailable, WarehouseRefused
from tests.builders.orders import an_address, an_order
from tests.builders.shop import Shop, open_shop
from tests.harness.receiver import webhook_receiver

SECRET = "whsec_b3JkZXJzLWFuZC1waXBlbGluZXMtdGVzdGluZw=="
CANARIES = ("canary.mail@example.com", "Canary Street", "canary-key")


async def test_steps_are_linked_to_their_request_and_the_webhook_carries_their_trace(
    sqlite_url: str, tmp_path: Path, exporter: InMemorySpanExporter
) -> None:
    async with (
        webhook_receiver(SECRET) as receiver,
        open_shop(
            sqlite_url, tmp_path, real_gateways=True, fulfillment_url=receiver.url, fulfillment_secret=SECRET
        ) as shop,
    ):
        await shop.placed()
        await shop.run_to_the_end()
        [delivery] = receiver.deliveries
    spans = {span.name: span for span in exporter.get_finished_spans()}
    request = spans["POST /v1/orders"].context
    steps = [span for span in spans.values() if span.name.startswith("fulfill-order ")]
    assert request is not None
    assert len(steps) == 4
    links = [link.context for span in steps for link in span.links]
    assert {link.trace_id for link in links} == {request.trace_id}
    notifying = spans["fulfill-order notify_warehouse"].context
    assert notifying is not None
    assert f"{notifying.trace_id:032x}-{notifying.span_id:016x}" in delivery.traceparent


async def test_lines_and_problems_name_the_trace_that_they_are_part_of(
    sqlite_url: str, tmp_path: Path, exporter: InMemorySpanExporter, out: io.StringIO
) -> None:
    async with open_shop(sqlite_url, tmp_path) as shop:
        shop.mail.door.troubles = [MailUnavailable("down")]
        order = await shop.placed()
        problem = (await shop.api.get("/v1/orders/nothing")).json()
        await shop.settled()
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    spans = {span.name: f"{span.context.trace_id:032x}" for span in exporter.get_finished_spans() if span.context}
    placing, asking = (line for line in lines if line["event"] == "request")
    assert (placing["trace_id"], placing["order_id"]) == (spans["POST /v1/orders"], order["id"])
    assert problem["trace_id"] == asking["trace_id"] == spans["GET /v1/orders/{order_id}"]
    [attempt] = [line for line in lines if line["event"] == "step attempted"]
    assert attempt["trace_id"] == spans["fulfill-order send_confirmation"]
    assert {line.get("run_id") for line in (placing, attempt)} == {order["run"]["id"]}


async def test_the_line_of_a_request_names_order_and_run(corner_shop: Shop, out: io.StringIO) -> None:
    order = await corner_shop.placed()
    for path in (f"/v1/orders/{order['id']}", f"/v1/runs/{order['run']['id']}", "/v1/orders/nothing"):
        await corner_shop.api.get(path)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    named = [(line.get("order_id"), line.get("run_id")) for line in lines if line["event"] == "request"]
    assert named == [(order["id"], order["run"]["id"]), (order["id"], None), (None, order["run"]["id"]), (None, None)]


async def test_without_a_provider_nothing_names_a_trace(corner_shop: Shop, out: io.StringIO) -> None:
    problem = (await corner_shop.api.get("/v1/orders/nothing")).json()
    assert "trace_id" not in problem
    assert "trace_id" not in out.getvalue()


WITHOUT_TRACES = """
import asyncio, sys, httpx2
from orders_service.app import create_app
from orders_service.settings import load

async def main():
    app = create_app(load())
    async with app.router.lifespan_context(app) as state:
        async def with_state(scope, receive, send):
            await app({**scope, "state": dict(state)}, receive, send)
        key = {"Authorization": "Bearer dev-key-for-your-own-machine-only"}
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(with_state), base_url="http://shop") as client:
            assert (await client.get("/v1/orders", headers=key)).status_code == 200
        assert not app.state.process.events.are_steps_followed

asyncio.run(main())
print([name for name in sys.modules if name.startswith(("opentelemetry.sdk", "opentelemetry.exporter"))])
"""


async def test_when_traces_are_off_nothing_of_them_is_imported_and_no_step_is_followed(
    sqlite_url: str, tmp_path: Path
) -> None:
    environment = {"PATH": os.environ["PATH"], "ORDERS_DATABASE_URL": sqlite_url, "ORDERS_DATA_DIR": str(tmp_path)}
    interpreter = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WITHOUT_TRACES, env=environment, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await interpreter.communicate()
    assert printed.decode().splitlines()[-1] == "[]"


async def test_probes_leave_no_trace(sqlite_url: str, tmp_path: Path, exporter: InMemorySpanExporter) -> None:
    async with open_shop(sqlite_url, tmp_path) as shop:
        for path in ("/livez", "/readyz", "/metrics"):
            await shop.api.get(path)
    assert exporter.get_finished_spans() == ()


async def test_no_span_and_no_line_holds_what_a_customer_sent(
    sqlite_url: str, tmp_path: Path, exporter: InMemorySpanExporter, out: io.StringIO
) -> None:
    mail, street, key = CANARIES
    order = an_order(email=mail) | {"shipping_address": an_address(line1=street)}
    async with open_shop(sqlite_url, tmp_path) as shop:
        shop.mail.door.troubles = [MailUnavailable(f"{mail}: down")]
        shop.warehouse.door.troubles = [WarehouseRefused(f"{street}: unknown")]
        answer = await shop.api.post("/v1/orders", json=order, headers={"Idempotency-Key": key})
        assert answer.status_code == 201
        await shop.api.post("/v1/orders", json=order | {"customer_email": f"{mail}@"})
        await shop.run_to_the_end()
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    told = [(line["event"], line["level"]) for line in lines if "run_id" in line]
    assert ("run finished", "error") in told
    assert ("step attempted", "warning") in told
    said = out.getvalue() + "".join(span.to_json() for span in exporter.get_finished_spans())
    assert [canary for canary in CANARIES if canary in said] == []
    [request, *_] = [line for line in lines if line["event"] == "request"]
    assert request["route"] == "/v1/orders"
