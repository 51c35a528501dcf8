"""An upload goes when the work on it has ended, however it ended, or when there never was any."""

from datetime import datetime, timedelta
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from orders_service.uploads import queries
from pipelines import Pipeline, Transaction, start

UNCLAIMED_FOR = timedelta(hours=1)
_MOST_SWEPT = 100


class UploadRef(BaseModel):
    """Which upload."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    only_if_unclaimed: bool = False


class UnclaimedBefore(BaseModel):
    """What has not been claimed since then is not going to be."""

    model_config = ConfigDict(frozen=True)

    moment: datetime


remove_upload = Pipeline("remove-upload", UploadRef)
sweep_uploads = Pipeline("clean-up-uploads", UnclaimedBefore)


@remove_upload.step()
def remove(upload: UploadRef, tx: Transaction) -> None:
    if not (upload.only_if_unclaimed and queries.is_claimed(tx, upload.id)):
        queries.remove(tx, upload.id)


@sweep_uploads.step()
def sweep(unclaimed: UnclaimedBefore, tx: Transaction) -> None:
    """What a crash between storing and claiming has left; more than a slice of it waits for the next tick."""
    for upload_id in queries.unclaimed(tx, unclaimed.moment, _MOST_SWEPT):
        start_removal(tx, upload_id, only_if_unclaimed=True)


def start_removal(tx: Transaction, upload_id: UUID, *, only_if_unclaimed: bool = False) -> None:
    """Have it removed by a run of its own, in the transaction that ends the work on it."""
    start(tx, remove_upload, UploadRef(id=upload_id, only_if_unclaimed=only_if_unclaimed))


def unclaimed_before(fire_at: datetime) -> UnclaimedBefore:
    """The input of a tick."""
    return UnclaimedBefore(moment=fire_at - UNCLAIMED_FOR)
