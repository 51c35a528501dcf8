"""A picture as its pipeline carries it."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict


class UploadedImage(BaseModel):
    """Stored with the run, and read by the code of a later release: a new field needs a default."""

    model_config = ConfigDict(frozen=True)

    sku: str
    number: int
    upload_id: UUID
    media_type: str
