"""What happens to one run, as it happens, across restarts of the service."""

import time
from collections.abc import Iterator

from orders_service.client import Client, ServiceAway
from orders_service.commands.run_lookup import run_path
from orders_service.server_events import ServerEvent

OPEN = ("ready", "running", "waiting", "undoing")
PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 0.5


def news_of(client: Client, run_id: str, *, patience_seconds: float = PATIENCE_SECONDS) -> Iterator[ServerEvent]:
    """`attempt` for each try at a step, once; `run` for where the run then stands; the last one says how it ended.

    A stream that breaks is taken up where it broke. Raises `ServiceRefused`, or `ServiceAway` when nobody answers at
    the first call, or for longer than the patience.
    """
    told, silent_since = None, None
    while True:
        try:
            for event in client.events(f"{run_path(run_id)}/events", after=told):
                told, silent_since = event.id, None
                yield event
                if event.name == "run" and event.data["state"] not in OPEN:
                    return
        except ServiceAway:
            silent_since = silent_since or time.monotonic()
            if told is None or time.monotonic() - silent_since >= patience_seconds:
                raise
        time.sleep(PAUSE_SECONDS)
