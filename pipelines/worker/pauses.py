"""Which pipelines are paused, as far as this process knows."""

from collections.abc import Iterable


class Pauses:
    """Changed on the event loop only; the committer's thread looks at it too."""

    def __init__(self) -> None:
        self._names: frozenset[str] = frozenset()
        self.heard = 0  # how often it was told by a COMMIT: what was read before that is old news

    def __contains__(self, pipeline: object) -> bool:
        return pipeline in self._names

    def __bool__(self) -> bool:
        return bool(self._names)

    def begin(self, pipeline: str) -> None:
        self.heard += 1
        self._names |= {pipeline}

    def end(self, pipeline: str) -> None:
        self.heard += 1
        self._names -= {pipeline}

    def learn(self, names: Iterable[str], heard: int) -> bool:
        """Take over what was read in the journal, unless a COMMIT has said more since. Whether anything changed."""
        if heard != self.heard or (read := frozenset(names)) == self._names:
            return False
        self._names = read
        return True
