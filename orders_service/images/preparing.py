"""What happens to a picture once it is stored: made in our sizes, shown, told to subscribers, and its file removed."""

from sqlalchemy.exc import SQLAlchemyError

from orders_service import inventory, uploads
from orders_service.images import queries
from orders_service.images.announcing import announce
from orders_service.images.errors import ImageSuperseded
from orders_service.images.thumbnails import Pictures, pictures_of
from orders_service.images.uploaded import UploadedImage
from pipelines import Destination, Ending, Pipeline, ReadSession, Reject, Retry, RunState, Transaction

# One at a time in each process: that bounds the memory (see `MOST_PIXELS`), and leaves the other threads to others.
DECODER = Destination("image-decoder", concurrency=1)

prepare_image = Pipeline("prepare-image", UploadedImage)


def show(image: UploadedImage, made: Pictures, tx: Transaction) -> None:
    """In the COMMIT that ends the decoding, to which the bytes are handed in memory.

    So they are written once, into their own table, and the journal keeps only what is said of them. Whoever dies before
    that COMMIT has decoded in vain, and the next one decodes again.
    """
    if not inventory.exists(tx, image.sku):
        raise Reject("the product is no longer in the catalog")
    if not queries.show(tx, image.sku, image.number, tx.home.clock.now()):
        raise ImageSuperseded
    queries.replace_sizes(tx, image.sku, made.sizes)


@prepare_image.step(to=DECODER, retry=Retry(on=(SQLAlchemyError,), attempts=8), then=show)
def make_pictures(image: UploadedImage, session: ReadSession) -> Pictures:
    try:
        content = uploads.content_of(session, image.upload_id)
    except uploads.UploadGone:
        raise Reject("the file is no longer kept: send it again") from None
    session.close()  # decoding takes its time, and needs no snapshot of the database
    return pictures_of(content, image.media_type)


@prepare_image.step()
def tell_subscribers(image: UploadedImage, made: Pictures, tx: Transaction) -> None:
    announce(tx, image, made)


@prepare_image.at_end
def finish_image(image: UploadedImage, ending: Ending, tx: Transaction) -> None:
    """However it ends, the file that was sent goes, by a run of its own."""
    queries.finish(tx, image.sku, image.number, FINAL_STATE[ending.state], ending.reason)
    uploads.start_removal(tx, image.upload_id)


@prepare_image.at_retry
def reopen_image(image: UploadedImage, tx: Transaction) -> None:
    queries.finish(tx, image.sku, image.number, "pending", None)


FINAL_STATE = {
    RunState.COMPLETED: "ready",
    RunState.REJECTED: "rejected",
    RunState.FAILED: "failed",
    RunState.QUARANTINED: "failed",
    RunState.CANCELLED: "cancelled",
}
