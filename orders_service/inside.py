"""What steps ask for that is of this very process: it is lent to them, and learns afterwards which process that is."""

from typing import Any

from orders_service.imports import ImportDesk
from orders_service.operations import Desk
from orders_service.reports import PublicAddress
from orders_service.settings import Settings
from orders_service.subscriptions import Addresses
from pipelines import Process


class Inside:
    """Made before the process, which is made with it; `open` it when that is there."""

    def __init__(self, settings: Settings) -> None:
        self._imports = ImportDesk()
        self._steering = Desk()
        self._subscribers = Addresses()
        self._public = PublicAddress(settings.public_address)

    @property
    def provided(self) -> dict[Any, object]:
        """By type, as steps ask for it."""
        return {type(each): each for each in (self._imports, self._steering, self._subscribers, self._public)}

    def open(self, process: Process) -> None:
        """From now on steps that work through the process can."""
        self._imports.open(process)
        self._subscribers.open(process.readers, process.clock)
        self._steering.many = process.steering.many
