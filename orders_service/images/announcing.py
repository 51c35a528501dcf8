"""The event that tells others that a product has a new picture."""

from typing import Any

from orders_service import subscriptions
from orders_service.images.schemas import image_url
from orders_service.images.thumbnails import Pictures
from orders_service.images.uploaded import UploadedImage
from pipelines import Transaction

EVENT = "product.image_ready"


def announce(tx: Transaction, image: UploadedImage, made: Pictures) -> None:
    """The one place where subscribers are told, in the transaction of the step that does it."""
    subscriptions.publish(tx, EVENT, event_of(image, made), owner=None)


def event_of(image: UploadedImage, made: Pictures) -> dict[str, Any]:
    """What the event says."""
    url = image_url(image.sku)
    sizes = [{"width": size.width, "height": size.height, "url": f"{url}?width={size.width}"} for size in made.sizes]
    return {"sku": image.sku, "url": url, "sizes": sizes}
