"""How many runs this process takes at once. Taken by the committer's thread too, so the count has a lock."""

import threading


class Slots:
    """Closed at first, and again while draining: nothing is taken then, and new runs are for others."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._free = count
        self._open = False
        self._held = False
        self._lock = threading.Lock()

    def open(self) -> None:
        self._open = True

    def close(self) -> None:
        self._open = False

    def hold(self) -> None:
        """Let nothing be taken for a while, whether they are open or not."""
        self._held = True

    def release(self) -> None:
        self._held = False

    @property
    def is_any_free(self) -> bool:
        """Whether `take` would get one now."""
        return self._open and not self._held and self._free > 0

    def take(self) -> bool:
        """Whether there was one free; it is taken then."""
        return self.take_up_to(1) == 1

    def take_up_to(self, wanted: int) -> int:
        """How many of those wanted were free; they are taken."""
        with self._lock:
            taken = max(0, min(wanted, self._free)) if self._open and not self._held else 0
            self._free -= taken
            return taken

    def take_beyond(self) -> None:
        """Take one although there may be none, for a run that all others make way for."""
        with self._lock:
            self._free -= 1

    def give_back(self, count: int = 1) -> None:
        with self._lock:
            self._free += count
