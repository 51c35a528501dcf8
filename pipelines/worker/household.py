"""What a transaction knows of the process it runs in: its name in the journal, what it can run, and its free slots."""

from collections.abc import Container
from dataclasses import dataclass
from uuid import UUID

from pipelines.clock import Clock
from pipelines.worker.slots import Slots


@dataclass(frozen=True, eq=False)
class Household:
    """The `Home` of a process's transactions, one object for its whole life; read in the committer's thread."""

    process_id: UUID
    clock: Clock
    pauses: Container[str]
    known: Container[tuple[str, str]]
    slots: Slots

    def take_slot(self) -> bool:
        return self.slots.take()

    def give_back_slot(self) -> None:
        self.slots.give_back()
