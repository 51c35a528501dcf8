"""What the committer must know of its process's row in the journal, handed in so that it need not know the journal."""

from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Connection, Engine


@dataclass(frozen=True)
class Answer:
    """What the journal says of this process when it is asked: how many batches it has, and whether we are dead."""

    commit_seq: int
    dead: bool


class Standing(Protocol):
    """Fence, lease and commit counter of one process, in one row."""

    def advance(self, connection: Connection, batch: int) -> bool:
        """First statement of each batch: count it and renew the lease. False: we are dead, or have counted wrongly."""

    def ask(self, engine: Engine) -> Answer | None:
        """On a new connection, waiting for a backend that may still be committing. None: the row is gone."""
