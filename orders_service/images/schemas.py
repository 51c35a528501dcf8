"""What is told of a product's picture."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from orders_service.run_links import RunLink

MOST_IMAGE_BYTES = 10 * 1024 * 1024
LARGEST_WIDTH = 10_000


class ImageState(StrEnum):
    """What has become of the picture that was sent last."""

    PENDING = "pending"
    READY = "ready"
    REJECTED = "rejected"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REMOVED = "removed"


_RUN = "01a1fccd-1aee-748f-9e6d-a53a446f6bc9"
_EXAMPLE: dict[str, Any] = {
    "sku": "LAMP-01",
    "state": "ready",
    "reason": None,
    "uploaded_at": "2026-11-28T12:00:00Z",
    "run": {"id": _RUN, "url": f"/v1/runs/{_RUN}"},
    "image": {
        "url": "/v1/products/LAMP-01/image",
        "stored_at": "2026-11-28T12:00:01Z",
        "sizes": [{"width": 80, "height": 60, "media_type": "image/jpeg"}],
    },
}


class SizeView(BaseModel):
    """One size in which the picture can be had."""

    model_config = ConfigDict(frozen=True)

    width: int
    height: int
    media_type: str


class ShownImage(BaseModel):
    """The picture that is shown."""

    model_config = ConfigDict(frozen=True)

    url: str = Field(description="Add `?width=` for the size that fits best.")
    stored_at: datetime
    sizes: list[SizeView]


class ImageStatus(BaseModel):
    """The picture that was sent last, and the one that is shown: an earlier one, until that is ready."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [_EXAMPLE]})

    sku: str
    state: ImageState
    reason: str | None = Field(default=None, description="Why it was rejected, failed or cancelled.")
    uploaded_at: datetime
    run: RunLink
    image: ShownImage | None = Field(default=None, description="What is shown now, if anything is.")


def image_url(sku: str) -> str:
    return f"/v1/products/{sku}/image"
