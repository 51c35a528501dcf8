"""What the development profile has instead of an outside world. Its memory is in one folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from orders_service.gateways import Mailbox
from orders_service.sandbox.crm import SandboxCrm
from orders_service.sandbox.warehouse import SandboxWarehouse


@dataclass(frozen=True)
class Sandbox:
    """The stand-ins of one process."""

    warehouse: SandboxWarehouse
    crm: SandboxCrm
    mailbox: Mailbox

    @classmethod
    def opened(cls, folder: Path, *, secrets: Sequence[str], **letterhead: str) -> Self:
        """With what they remember. `secrets` are those that requests of the warehouse are signed with."""
        return cls(
            SandboxWarehouse(secrets, folder / "warehouse.jsonl"),
            SandboxCrm(folder / "crm.jsonl"),
            Mailbox(folder / "mailbox", **letterhead),
        )
