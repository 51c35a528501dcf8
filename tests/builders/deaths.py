"""When a process has died."""

import asyncio


class Death:
    """Says when it has happened."""

    def __init__(self) -> None:
        self.happened = asyncio.Event()

    def notice(self, _: str) -> None:
        """For `on_failure`."""
        self.happened.set()
