"""How many runs this process takes at once. Taken by the committer's thread too, so the count has a lock."""

import threading


class Slots:
    """Closed at first, and again while draining: nothing is taken then, and new runs are for others."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._open = False
        self._lock = threading.Lock()

    def open(self) -> None:
        self._open = True

    def close(self) -> None:
        self._open = False

    def take(self) -> bool:
        """Whether there was one free; it is taken then."""
        return self.take_up_to(1) == 1

    def take_up_to(self, wanted: int) -> int:
        """How many of those wanted were free; they are taken."""
        with self._lock:
            taken = min(wanted, self._free) if self._open else 0
            self._free -= taken
            return taken

    def give_back(self, count: int = 1) -> None:
        with self._lock:
            self._free += count
