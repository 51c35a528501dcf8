"""A picture is accepted: numbered, its preparation started, who sent it noted, in one transaction."""

from orders_service import audit, inventory, uploads
from orders_service.images import queries
from orders_service.images.errors import NoProductToShow
from orders_service.images.inspection import Seen
from orders_service.images.preparing import prepare_image
from orders_service.images.schemas import ImageStatus
from orders_service.images.uploaded import UploadedImage
from orders_service.images.viewing import status_of
from pipelines import Transaction, start


def accept_image(
    tx: Transaction, sku: str, stored: uploads.StoredUpload, seen: Seen, *, principal: str, note: audit.Note
) -> ImageStatus:
    """From here on the run is answerable for the file. Runs of one product go in the order of their uploads."""
    if not inventory.exists(tx, sku):
        raise NoProductToShow
    number = queries.next_number(tx, sku)
    image = UploadedImage(sku=sku, number=number, upload_id=stored.id, media_type=seen.media_type)
    run_id = start(tx, prepare_image, image, serial=sku)
    uploads.claim(tx, stored.id)
    queries.add_upload(
        tx,
        {
            "sku": sku,
            "number": number,
            "principal": principal,
            "run_id": run_id,
            "state": "pending",
            "reason": None,
            "uploaded_at": tx.home.clock.now(),
        },
    )
    audit.record(
        tx,
        note,
        after={"media_type": seen.media_type, "bytes": stored.size, "width": seen.width, "height": seen.height},
    )
    return status_of(tx, sku)
