"""Files that clients send: kept in the database until the work on them is done. The front door of this slice.

In the database, because whichever process does the work has to find them, after a crash and on another machine too.
"""

from orders_service.uploads.errors import UploadGone, UploadTooLarge
from orders_service.uploads.reading import UploadReader, content_of
from orders_service.uploads.receiving import PART_BYTES, StoredUpload, claim, received
from orders_service.uploads.removing import UploadRef, remove_upload, start_removal, sweep_uploads, unclaimed_before

__all__ = [
    "PART_BYTES",
    "StoredUpload",
    "UploadGone",
    "UploadReader",
    "UploadRef",
    "UploadTooLarge",
    "claim",
    "content_of",
    "received",
    "remove_upload",
    "start_removal",
    "sweep_uploads",
    "unclaimed_before",
]
