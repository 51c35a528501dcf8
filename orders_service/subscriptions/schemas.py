"""What clients send and see of endpoints."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from orders_service.strict_models import StrictModel, Text, Timestamp
from orders_service.subscriptions.events import EVENTS, TEST
from orders_service.subscriptions.tables import WebhookEndpoint

LONGEST_URL = 2000
USUAL_OVERLAP_HOURS = 24
LONGEST_OVERLAP_HOURS = 168

SUBSCRIBABLE: tuple[str, ...] = (
    *(name for name in EVENTS if name != TEST),
    *sorted({f"{name.partition('.')[0]}.*" for name in EVENTS if name != TEST}),
)


def _known(event_type: str) -> str:
    if event_type not in SUBSCRIBABLE:
        raise PydanticCustomError("event_type", "Input should be one of the events that there are")
    return event_type


def _once(event_types: Sequence[str]) -> Sequence[str]:
    if len(set(event_types)) < len(event_types):
        raise PydanticCustomError("event_repeated", "An event is named once")
    return event_types


EventType = Annotated[str, AfterValidator(_known), Field(max_length=50, json_schema_extra={"enum": list(SUBSCRIBABLE)})]
EventTypes = Annotated[
    list[EventType],
    AfterValidator(_once),
    Field(min_length=1, max_length=len(SUBSCRIBABLE), description="`order.*` stands for all that begin with `order.`"),
]
Url = Annotated[
    str, Text(LONGEST_URL), Field(description="A public https URL without credentials; judged again at every call.")
]
Description = Annotated[str, Text(200, min_length=0)]

_URL = "https://shop.example.com/hooks/orders"
_DRAFT: dict[str, Any] = {"url": _URL, "event_types": ["order.*", "product.deleted"], "description": "Our shop"}


class EndpointDraft(StrictModel):
    """Where to send which events."""

    model_config = ConfigDict(json_schema_extra={"examples": [_DRAFT]})

    url: Url
    event_types: EventTypes
    description: Description = ""


class EndpointChange(StrictModel):
    """What is to change; what is left out, or null, stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"enabled": True}, {"event_types": ["order.*"]}]})

    url: Url | None = None
    event_types: EventTypes | None = None
    description: Description | None = None
    enabled: bool | None = Field(default=None, description="Disabled, it is sent nothing, and misses what happens.")


class Rotation(StrictModel):
    """How long what we send is signed with the former secret, too."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"overlap_hours": 24}, {"overlap_hours": 0}]})

    overlap_hours: int = Field(
        default=USUAL_OVERLAP_HOURS, ge=0, le=LONGEST_OVERLAP_HOURS, description="0 drops the former secret at once."
    )


class Resend(StrictModel):
    """One delivery, or all that failed since a moment and have not been sent again."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"delivery_id": "01a1fccd-1aee-748f-9e6d-a539d2934ed4"},
                {"failed_since": "2026-11-28T12:00:00Z"},
            ]
        }
    )

    delivery_id: UUID | None = Field(default=None, strict=False)
    failed_since: Timestamp | None = None

    @model_validator(mode="after")
    def _says_which(self) -> Self:
        if (self.delivery_id is None) == (self.failed_since is None):
            raise PydanticCustomError("resend_which", "Name either delivery_id or failed_since")
        return self

    @property
    def since(self) -> datetime:
        """For one that names no delivery."""
        assert self.failed_since is not None  # noqa: S101 - or it would have been refused
        return self.failed_since


_VIEW: dict[str, Any] = _DRAFT | {
    "id": "01a1fccd-1aee-748f-9e6d-a53a446f6bc9",
    "owner": "shop",
    "enabled": True,
    "disabled_at": None,
    "disabled_reason": None,
    "former_secret_until": None,
    "created_at": "2026-11-28T12:00:00Z",
}


class EndpointView(BaseModel):
    """An endpoint as its owner sees it; its secret is not shown again."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [_VIEW]})

    id: UUID
    owner: str
    url: str
    event_types: tuple[str, ...]
    description: str
    enabled: bool
    disabled_at: datetime | None
    disabled_reason: str | None
    former_secret_until: datetime | None = Field(description="Until then what we send is signed twice.")
    created_at: datetime

    @classmethod
    def of(cls, endpoint: WebhookEndpoint, **more: Any) -> Self:
        return cls(**endpoint.model_dump(), enabled=endpoint.disabled_at is None, **more)


class EndpointWithSecret(EndpointView):
    """An endpoint with the secret that verifies what we send, after Standard Webhooks. It is shown this once."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={"examples": [_VIEW | {"secret": "whsec_b3JkZXJzLWFuLWV4YW1wbGUtYW5kLW5vLXNlY3JldA=="}]},
    )

    secret: str
