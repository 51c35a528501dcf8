"""A product's picture is taken down, and none that was sent before comes up again."""

from orders_service import audit
from orders_service.images import queries
from orders_service.images.errors import NoImage
from orders_service.images.schemas import ImageState
from orders_service.images.viewing import status_of
from pipelines import Transaction


def remove_image(tx: Transaction, sku: str, note: audit.Note) -> None:
    """Also one that is still being prepared: its run ends rejected. Raises `NoImage` when there is neither."""
    before = status_of(tx, sku)
    if before.image is None and before.state is not ImageState.PENDING:
        raise NoImage("This product has no picture.")
    queries.hide(tx, sku)
    shown = before.image.model_dump(mode="json") if before.image is not None else None
    audit.record(tx, note, before={"state": before.state, "image": shown})
