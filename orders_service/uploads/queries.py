"""The SQL of this slice."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select, update
from sqlmodel import col

from orders_service.uploads.errors import UploadGone
from orders_service.uploads.tables import Upload, UploadPart
from pipelines import ReadSession, Transaction

_ADD = insert(Upload)
_ADD_PART = insert(UploadPart)
_CLAIM = (
    update(Upload)
    .where(col(Upload.id) == bindparam("of"), col(Upload.claimed_at).is_(None))
    .values(claimed_at=bindparam("at"))
)
_EXISTS = select(col(Upload.id)).where(col(Upload.id) == bindparam("of"))
# Locked: a claim that comes between the look and the removal waits, and then finds it gone.
_IS_CLAIMED = select(col(Upload.claimed_at).is_not(None)).where(col(Upload.id) == bindparam("of")).with_for_update()
_PART = select(col(UploadPart.content)).where(
    col(UploadPart.upload_id) == bindparam("of"), col(UploadPart.place) == bindparam("at")
)
_REMOVE_PARTS = delete(UploadPart).where(col(UploadPart.upload_id) == bindparam("of"))
_REMOVE = delete(Upload).where(col(Upload.id) == bindparam("of"))
_LEFT = (
    select(col(Upload.id))
    .where(col(Upload.claimed_at).is_(None), col(Upload.created_at) < bindparam("before"))
    .order_by(col(Upload.created_at))
    .limit(bindparam("most"))
)


def add(tx: Transaction, upload_id: UUID, now: datetime) -> None:
    tx.execute(_ADD, {"id": upload_id, "created_at": now, "claimed_at": None})


def add_part(tx: Transaction, upload_id: UUID, place: int, content: bytes) -> None:
    tx.execute(_ADD_PART, {"upload_id": upload_id, "place": place, "content": content})


def claim(tx: Transaction, upload_id: UUID, now: datetime) -> None:
    """Refused as `UploadGone` when it was removed meanwhile."""
    tx.defer(_CLAIM, {"of": upload_id, "at": now}, otherwise=UploadGone())


def is_claimed(tx: Transaction, upload_id: UUID) -> bool:
    """Whether a run is answerable for it; nobody claims it before this transaction has ended."""
    return bool(tx.execute(_IS_CLAIMED, {"of": upload_id}).scalar_one_or_none())


def exists(session: ReadSession, upload_id: UUID) -> bool:
    return session.execute(_EXISTS, {"of": upload_id}).first() is not None


def part(session: ReadSession, upload_id: UUID, place: int) -> bytes | None:
    return session.execute(_PART, {"of": upload_id, "at": place}).scalar_one_or_none()


def remove(tx: Transaction, upload_id: UUID) -> None:
    tx.execute(_REMOVE_PARTS, {"of": upload_id})
    tx.execute(_REMOVE, {"of": upload_id})


def unclaimed(session: ReadSession | Transaction, before: datetime, most: int) -> Sequence[UUID]:
    """What nobody has claimed for so long."""
    return session.execute(_LEFT, {"before": before, "most": most}).scalars().all()
