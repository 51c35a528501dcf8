"""Where an endpoint is and with what it is signed for, read at each attempt: a secret is in no run, log or cache."""

from uuid import UUID

from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool

from orders_service.gateways import Subscriber
from orders_service.subscriptions import queries
from pipelines import Clock, ReadSession


class Addresses:
    """Made before the process that it reads with; `open` it when that is there."""

    def __init__(self) -> None:
        self._readers: Engine | None = None
        self._clock: Clock | None = None

    def open(self, readers: Engine, clock: Clock) -> None:
        self._readers, self._clock = readers, clock

    async def of(self, endpoint_id: UUID) -> Subscriber | None:
        """None for an endpoint that is sent nothing: it is disabled, or there is none."""
        return await run_in_threadpool(self._read, endpoint_id)

    def _read(self, endpoint_id: UUID) -> Subscriber | None:
        if self._readers is None or self._clock is None:
            raise RuntimeError("addresses are read before they are opened")
        with ReadSession(self._readers) as session:
            endpoint = queries.find_endpoint(session, endpoint_id)
            if endpoint is None or endpoint.disabled_at is not None:
                return None
            return Subscriber(endpoint.url, endpoint.live_secrets(self._clock.now()))
