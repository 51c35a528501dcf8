"""The events that others can subscribe to: a closed list, each with the shape of what is sent.

What a model does not name is not sent, whatever a publisher hands in: subscribers see the least that is of use.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from orders_service.money import Money

# Equal moments give equal bytes, whatever zone they came in.
_Moment = Annotated[AwareDatetime, AfterValidator(lambda moment: moment.astimezone(UTC))]


class _Sent(BaseModel):
    model_config = ConfigDict(frozen=True)


class NewsItem(_Sent):
    """A line of an order."""

    sku: str
    quantity: int
    price: Money


class OrderNews(_Sent):
    """An order, without who it is for and where it goes: `GET /v1/orders/{id}` has that for whoever may see it."""

    id: UUID
    status: str
    items: tuple[NewsItem, ...]
    total: Money
    reason: str | None = Field(default=None, description="Why it was rejected, failed, cancelled or refused.")


class ProductNews(_Sent):
    """A product as the catalog shows it now."""

    sku: str
    name: str
    price: Money
    available: int | None = None


class ProductGone(_Sent):
    """A product that is no longer sold."""

    sku: str


class StockNews(_Sent):
    """How many of a product there are, and what has changed it."""

    sku: str
    available: int
    change: int
    reason: str | None = None


class PictureSize(_Sent):
    """One size in which a picture can be fetched, and where."""

    width: int
    height: int
    url: str


class ImageNews(_Sent):
    """A product has a new picture."""

    sku: str
    url: str
    sizes: tuple[PictureSize, ...]


class ReportNews(_Sent):
    """A report that can be fetched."""

    id: UUID
    type: str
    url: str | None = None


class TestNews(_Sent):
    """Nothing has happened: somebody wanted to see an event arrive."""

    __test__ = False  # no test, whatever its name says

    endpoint_id: UUID
    message: str = "This is a test."


class Event(_Sent):
    """What every event has: the moment is that of the change."""

    type: str
    timestamp: _Moment
    data: Any


class OrderEvent(Event):
    """News of an order."""

    data: OrderNews


class OrderAccepted(OrderEvent):
    type: Literal["order.accepted"] = "order.accepted"


class OrderCompleted(OrderEvent):
    type: Literal["order.completed"] = "order.completed"


class OrderRejected(OrderEvent):
    type: Literal["order.rejected"] = "order.rejected"


class OrderFailed(OrderEvent):
    type: Literal["order.failed"] = "order.failed"


class OrderCancelled(OrderEvent):
    type: Literal["order.cancelled"] = "order.cancelled"


class OrderShipped(OrderEvent):
    type: Literal["order.shipped"] = "order.shipped"


class OrderDelivered(OrderEvent):
    type: Literal["order.delivered"] = "order.delivered"


class OrderRefused(OrderEvent):
    type: Literal["order.refused"] = "order.refused"


class ProductCreated(Event):
    type: Literal["product.created"] = "product.created"
    data: ProductNews


class ProductUpdated(Event):
    type: Literal["product.updated"] = "product.updated"
    data: ProductNews


class ProductDeleted(Event):
    type: Literal["product.deleted"] = "product.deleted"
    data: ProductGone


class StockAdjusted(Event):
    type: Literal["product.stock_adjusted"] = "product.stock_adjusted"
    data: StockNews


class ImageReady(Event):
    type: Literal["product.image_ready"] = "product.image_ready"
    data: ImageNews


class ReportReady(Event):
    type: Literal["report.ready"] = "report.ready"
    data: ReportNews


class WebhookTest(Event):
    type: Literal["webhook.test"] = "webhook.test"
    data: TestNews


TEST = "webhook.test"
EVENTS: Mapping[str, type[Event]] = {
    model.model_fields["type"].default: model
    for model in (
        OrderAccepted,
        OrderCompleted,
        OrderRejected,
        OrderFailed,
        OrderCancelled,
        OrderShipped,
        OrderDelivered,
        OrderRefused,
        ProductCreated,
        ProductUpdated,
        ProductDeleted,
        StockAdjusted,
        ImageReady,
        ReportReady,
        WebhookTest,
    )
}
_PUBLIC = "product."  # the catalog can be read by everybody, so its changes can


def is_public(event_type: str) -> bool:
    """Whether it may be told to everybody, if it is nobody's."""
    return event_type.startswith(_PUBLIC)


def body_of(event_type: str, data: Mapping[str, Any], at: datetime) -> str:
    """What is sent, made once: all attempts, to all subscribers, send these bytes. Raises what pydantic raises."""
    return EVENTS[event_type].model_validate({"timestamp": at, "data": data}).model_dump_json()
