"""Where to follow the background work that a request has left."""

from typing import Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict


class RunLink(BaseModel):
    """Where to follow the background work."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    url: str

    @classmethod
    def to(cls, run_id: UUID) -> Self:
        return cls(id=run_id, url=f"/v1/runs/{run_id}")
