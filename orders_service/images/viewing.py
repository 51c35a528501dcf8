"""A product's picture, as it is shown and as it is spoken of."""

from dataclasses import dataclass

from orders_service import inventory
from orders_service.images import queries
from orders_service.images.errors import NoImage, NoProductToShow
from orders_service.images.schemas import ImageState, ImageStatus, ShownImage, SizeView, image_url
from orders_service.images.tables import ProductImage
from orders_service.images.thumbnails import Picture
from orders_service.run_links import RunLink
from orders_service.stored_values import as_stored
from pipelines import ReadSession, Transaction

_NONE = "This product has no picture."
_SUFFIXES = {"image/jpeg": "jpg", "image/webp": "webp"}


@dataclass(frozen=True, slots=True)
class Fitting:
    """The size that fits best."""

    sku: str
    size: Picture

    @property
    def etag(self) -> str:
        return f'"{self.size.etag}"'

    @property
    def file_name(self) -> str:
        """Of a SKU and a number, neither of which holds anything but letters, digits, dots, dashes, underscores."""
        return f"{self.sku}-{self.size.width}.{_SUFFIXES.get(self.size.media_type, 'bin')}"


def fitting(session: ReadSession, sku: str, width: int | None) -> Fitting:
    """The smallest that is at least so wide, else the largest. Raises `NoProductToShow`, `NoImage` with the reason."""
    sizes = queries.sizes(session, sku) if inventory.exists(session, sku) else []
    if not sizes:
        raise _why_none(status_of(session, sku))
    wanted = width if width is not None else sizes[-1].width
    return Fitting(sku, next((size for size in sizes if size.width >= wanted), sizes[-1]))


def status_of(session: ReadSession | Transaction, sku: str) -> ImageStatus:
    """Raises `NoProductToShow`, or `NoImage` if nobody has ever sent one."""
    if not inventory.exists(session, sku):
        raise NoProductToShow
    image = queries.find(session, sku)
    if image is None:
        raise NoImage(_NONE)
    sent = queries.upload(session, sku, image.newest)
    state = as_stored(ImageState, sent.state)
    if state is ImageState.READY and image.stored_at is None:
        state = ImageState.REMOVED
    return ImageStatus(
        sku=sku,
        state=state,
        reason=sent.reason,
        uploaded_at=sent.uploaded_at,
        run=RunLink.to(sent.run_id),
        image=_shown(session, image),
    )


def _shown(session: ReadSession | Transaction, image: ProductImage) -> ShownImage | None:
    if image.stored_at is None:
        return None
    sizes = queries.sizes(session, image.sku)
    views = [SizeView(width=size.width, height=size.height, media_type=size.media_type) for size in sizes]
    return ShownImage(url=image_url(image.sku), stored_at=image.stored_at, sizes=views)


def _why_none(status: ImageStatus) -> NoImage:
    match status.state:
        case ImageState.PENDING:
            return NoImage("The picture of this product is being prepared.", may_come=True)
        case ImageState.REJECTED if status.reason is not None:
            return NoImage(f"The last picture of this product was refused: {status.reason}.")
        case ImageState.FAILED:
            return NoImage("The last picture of this product could not be prepared.")
        case _:
            return NoImage(_NONE)
