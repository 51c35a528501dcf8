"""Traces and log lines of the whole service: the request, its run, the calls of its steps; and nothing of the data."""

import io
import json
from pathlib import Path

from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from orders_service.gateways import MailUnavailable, WarehouseRefused
from tests.builders.orders import an_address, an_order
from tests.builders.shop import open_shop
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
