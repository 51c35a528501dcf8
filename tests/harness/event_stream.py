"""A client of event streams, as a browser is one: it knows the last id, and asks for what comes after it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx2


class StreamEvent(NamedTuple):
    """One event as it came."""

    kind: str
    id: str
    data: Any


@asynccontextmanager
async def stream(
    client: httpx2.AsyncClient, url: str, *, last_event_id: str | None = None
) -> AsyncIterator[tuple[httpx2.Response, AsyncIterator[StreamEvent]]]:
    """The answer, and its events as they come; leaving the block hangs up."""
    headers = {"Last-Event-ID": last_event_id} if last_event_id is not None else {}
    async with client.stream("GET", url, headers=headers) as response:
        yield response, _events(response)


async def _events(response: httpx2.Response) -> AsyncIterator[StreamEvent]:
    fields: dict[str, str] = {}
    async for line in response.aiter_lines():
        name, _, value = line.partition(": ")
        if name:
            fields[name] = value
        elif fields:
            if "data" in fields:
                yield StreamEvent(fields["event"], fields["id"], json.loads(fields["data"]))
            fields = {}


async def all_events(client: httpx2.AsyncClient, url: str, *, last_event_id: str | None = None) -> list[StreamEvent]:
    """Until the server ends the stream."""
    async with stream(client, url, last_event_id=last_event_id) as (_, events):
        return [event async for event in events]
