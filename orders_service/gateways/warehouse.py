"""The warehouse that packs and ships: asked by a signed webhook, and asked to forget an order the same way."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal, Protocol
from uuid import UUID

import aiohttp
from multidict import CIMultiDict
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, PositiveInt

from orders_service.gateways.egress import CONNECT_SECONDS, Destination, origin
from orders_service.gateways.errors import WarehouseRefused, WarehouseUnavailable
from orders_service.gateways.signatures import Signatures
from pipelines.errors import Throttled
from pipelines.telemetry import current_traceparent

MOST_BYTES_READ = 64 * 1024

_DRAIN_SECONDS = 2.0
_WORTH_ANOTHER_TRY = frozenset({408, 425, 429})
_MAY_NAME_A_PAUSE = frozenset({429, 503})


class _Payload(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FulfillmentItem(_Payload):
    """One line of an order, as the warehouse sees it."""

    sku: str
    quantity: PositiveInt


class ShippingAddress(_Payload):
    """Where the parcel goes."""

    name: str | None = None
    line1: str
    line2: str | None = None
    city: str
    postal_code: str
    country: str


class Fulfillment(_Payload):
    """What to pack, and where to send it."""

    order_id: UUID
    items: tuple[FulfillmentItem, ...]
    shipping_address: ShippingAddress


class Cancellation(_Payload):
    """What to forget, and why."""

    order_id: UUID
    reason: str


# Equal moments give equal bytes, whatever zone they came in.
_Moment = Annotated[AwareDatetime, AfterValidator(lambda moment: moment.astimezone(UTC))]


class FulfillmentRequest(_Payload):
    """The event that asks for an order to be shipped. All attempts send equal bytes: give the order's own time."""

    type: Literal["order.fulfillment_requested"] = "order.fulfillment_requested"
    timestamp: _Moment
    data: Fulfillment


class FulfillmentCancellation(_Payload):
    """The event that takes a request back. All attempts send equal bytes: give the order's own time."""

    type: Literal["order.fulfillment_cancelled"] = "order.fulfillment_cancelled"
    timestamp: _Moment
    data: Cancellation


class Warehouse(Protocol):
    """Returns when the warehouse has accepted; the same `key` again is the same request, accepted once."""

    async def request_fulfillment(self, request: FulfillmentRequest, *, key: str) -> None:
        """Ask for an order to be packed and shipped."""

    async def cancel_fulfillment(self, cancellation: FulfillmentCancellation, *, key: str) -> None:
        """Take a request back; succeeds when there never was one."""


class HttpWarehouse:
    """A warehouse at the other end of a webhook.

    Raises `WarehouseRefused` (final), `WarehouseUnavailable` (try again), `Throttled` (later), or
    `DestinationRefused` (final). A 2xx in the head of the answer is acceptance; trouble in its body is none.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        destination: Destination,
        secrets: Sequence[str],
        *,
        timeout_seconds: float = 30.0,
    ) -> None:
        self._session = session
        self._destination = destination
        self._origin = origin(destination)
        self._signatures = Signatures(secrets)
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds, sock_connect=min(timeout_seconds, CONNECT_SECONDS))

    async def request_fulfillment(self, request: FulfillmentRequest, *, key: str) -> None:
        await self._post(request.model_dump_json(), key)

    async def cancel_fulfillment(self, cancellation: FulfillmentCancellation, *, key: str) -> None:
        await self._post(cancellation.model_dump_json(), key)

    async def _post(self, body: str, key: str) -> None:
        headers = CIMultiDict(self._signatures.headers(key, body, now=datetime.now(UTC)))
        headers["content-type"] = "application/json"
        headers["user-agent"] = "orders-service"
        if traceparent := current_traceparent():
            headers["traceparent"] = traceparent
        try:
            async with self._session.post(
                self._destination, data=body.encode(), headers=headers, allow_redirects=False, timeout=self._timeout
            ) as answer:
                await _drain(answer)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            # Only its kind: these errors quote the URL, and `from` would drag them into every log.
            raise WarehouseUnavailable(f"{self._origin}: {type(error).__name__}") from None
        self._judge(answer.status, answer.headers.get("Retry-After", ""))

    def _judge(self, status: int, retry_after: str) -> None:
        if 200 <= status < 300:  # noqa: PLR2004 - the meaning of these two is HTTP's own
            return
        said = f"{self._origin} answered {status}"
        if status in _MAY_NAME_A_PAUSE and (throttled := Throttled.from_header(retry_after)) is not None:
            raise throttled
        if 400 <= status < 500 and status not in _WORTH_ANOTHER_TRY:  # noqa: PLR2004 - as above
            raise WarehouseRefused(said, status=status)
        raise WarehouseUnavailable(said, status=status)


async def _drain(answer: aiohttp.ClientResponse) -> None:
    """Read a short body to its end, so that the connection can serve again; a long, slow or broken one costs it."""
    room = MOST_BYTES_READ
    if answer.content.is_eof():
        return
    try:
        async with asyncio.timeout(_DRAIN_SECONDS):
            while chunk := await answer.content.read(room):  # nothing, when there is no room
                room -= len(chunk)
    except (aiohttp.ClientError, OSError, TimeoutError):
        answer.close()
