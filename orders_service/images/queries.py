"""The SQL of this slice."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, bindparam, delete, insert, null, select, update
from sqlmodel import col

from orders_service.images.tables import ProductImage, ProductImageSize, ProductImageUpload
from orders_service.images.thumbnails import Picture
from pipelines import ReadSession, Transaction

_IS_IT = col(ProductImage.sku) == bindparam("of")
_COUNT = update(ProductImage).where(_IS_IT).values(newest=col(ProductImage.newest) + 1)
_ADD = insert(ProductImage)
_ADD_UPLOAD = insert(ProductImageUpload)
_SHOW = (
    update(ProductImage)
    .where(_IS_IT, col(ProductImage.shown) < bindparam("mine"))
    .values(shown=bindparam("mine"), stored_at=bindparam("at"))
)
_HIDE = update(ProductImage).where(_IS_IT).values(shown=col(ProductImage.newest), stored_at=null())
_REMOVE_SIZES = delete(ProductImageSize).where(col(ProductImageSize.sku) == bindparam("of"))
_ADD_SIZE = insert(ProductImageSize)
_FINISH = (
    update(ProductImageUpload)
    .where(col(ProductImageUpload.sku) == bindparam("of"), col(ProductImageUpload.number) == bindparam("mine"))
    .values(state=bindparam("to"), reason=bindparam("because"))
)
_FIND = select(ProductImage).where(_IS_IT)
_NUMBER = select(col(ProductImage.newest)).where(_IS_IT)
_NEWEST = select(ProductImageUpload).where(
    col(ProductImageUpload.sku) == bindparam("of"), col(ProductImageUpload.number) == bindparam("number")
)
_SIZES = (
    select(
        col(ProductImageSize.width),
        col(ProductImageSize.height),
        col(ProductImageSize.media_type),
        col(ProductImageSize.etag),
    )
    .where(col(ProductImageSize.sku) == bindparam("of"))
    .order_by(col(ProductImageSize.width))
)
_CONTENT = select(col(ProductImageSize.content)).where(
    col(ProductImageSize.sku) == bindparam("of"), col(ProductImageSize.width) == bindparam("wide")
)
_OWNER_OF_RUN = select(col(ProductImageUpload.principal)).where(col(ProductImageUpload.run_id) == bindparam("of"))


def next_number(tx: Transaction, sku: str) -> int:
    """Numbers follow the COMMITs, whatever the clocks say: the row stays locked until then."""
    if not _met(tx, _COUNT, {"of": sku}):
        tx.execute(_ADD, {"sku": sku, "newest": 1, "shown": 0, "stored_at": None})
        return 1
    number: int = tx.execute(_NUMBER, {"of": sku}).scalar_one()
    return number


def add_upload(tx: Transaction, row: dict[str, Any]) -> None:
    tx.execute(_ADD_UPLOAD, row)


def show(tx: Transaction, sku: str, number: int, now: datetime) -> bool:
    """Whether it may take the place: not when a newer one has it, or all up to this one were removed."""
    return _met(tx, _SHOW, {"of": sku, "mine": number, "at": now})


def replace_sizes(tx: Transaction, sku: str, sizes: Sequence[Picture]) -> None:
    tx.execute(_REMOVE_SIZES, {"of": sku})
    for size in sizes:
        tx.execute(_ADD_SIZE, {"sku": sku, **size.model_dump(), "content": size.content})


def hide(tx: Transaction, sku: str) -> None:
    """What is shown goes, and what was sent until now is never shown."""
    tx.execute(_HIDE, {"of": sku})
    tx.execute(_REMOVE_SIZES, {"of": sku})


def finish(tx: Transaction, sku: str, number: int, state: str, reason: str | None) -> None:
    """Set what has become of one that was sent, in the transaction that ends its run."""
    tx.defer(_FINISH, {"of": sku, "mine": number, "to": state, "because": reason})


def find(session: ReadSession | Transaction, sku: str) -> ProductImage | None:
    return session.execute(_FIND, {"of": sku}).scalar_one_or_none()


def upload(session: ReadSession | Transaction, sku: str, number: int) -> ProductImageUpload:
    found: ProductImageUpload = session.execute(_NEWEST, {"of": sku, "number": number}).scalar_one()
    return found


def sizes(session: ReadSession | Transaction, sku: str) -> Sequence[Picture]:
    """What is shown, the smallest first, without the bytes."""
    found = session.execute(_SIZES, {"of": sku})
    return [Picture(width=width, height=height, media_type=kind, etag=etag) for width, height, kind, etag in found]


def content(session: ReadSession, sku: str, width: int) -> bytes:
    found: bytes = session.execute(_CONTENT, {"of": sku, "wide": width}).scalar_one()
    return found


def owner_of_run(session: ReadSession, run_id: UUID) -> str | None:
    """Whose picture the run prepares."""
    return session.execute(_OWNER_OF_RUN, {"of": run_id}).scalar_one_or_none()


def _met(tx: Transaction, statement: Any, row: dict[str, Any]) -> bool:
    """At once and not deferred: what follows in the same transaction depends on the answer."""
    return cast("CursorResult[Any]", tx.execute(statement, row)).rowcount == 1
