"""Pictures of products: taken in any size, shown in ours. The front door of this slice."""

from orders_service.images.errors import (
    BrokenImage,
    ImagesError,
    ImageSuperseded,
    NoImage,
    NoProductToShow,
    UnfitImageType,
)
from orders_service.images.preparing import prepare_image
from orders_service.images.queries import owner_of_run
from orders_service.images.schemas import MOST_IMAGE_BYTES

__all__ = [
    "MOST_IMAGE_BYTES",
    "BrokenImage",
    "ImageSuperseded",
    "ImagesError",
    "NoImage",
    "NoProductToShow",
    "UnfitImageType",
    "owner_of_run",
    "prepare_image",
]
