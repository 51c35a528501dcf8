"""The warehouse that packs and ships: asked by a signed webhook, and asked to forget an order the same way."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal, Protocol
from uuid import UUID

import aiohttp
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, PositiveInt

from orders_service.gateways.calling import Caller, NoAnswer, Verdict
from orders_service.gateways.egress import Destination, origin
from orders_service.gateways.errors import WarehouseRefused, WarehouseUnavailable
from orders_service.gateways.signatures import Signatures


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
        self._caller = Caller(session)
        self._destination = destination
        self._signatures = Signatures(secrets)
        self._seconds = timeout_seconds

    async def request_fulfillment(self, request: FulfillmentRequest, *, key: str) -> None:
        await self._post(request.model_dump_json(), key)

    async def cancel_fulfillment(self, cancellation: FulfillmentCancellation, *, key: str) -> None:
        await self._post(cancellation.model_dump_json(), key)

    async def _post(self, body: str, key: str) -> None:
        headers = self._signatures.headers(key, body, now=datetime.now(UTC))
        try:
            answer = await self._caller.call("POST", self._destination, body.encode(), headers, seconds=self._seconds)
        except NoAnswer as error:
            raise WarehouseUnavailable(str(error)) from None
        said = f"{origin(self._destination)} answered {answer.status}"
        match answer.verdict:
            case Verdict.REFUSED:
                raise WarehouseRefused(said, status=answer.status)
            case Verdict.TRY_AGAIN:
                raise WarehouseUnavailable(said, status=answer.status)
