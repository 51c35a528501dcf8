"""How the runs of orders went, by the times that the journal itself has kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import quantiles

import psycopg

_HISTORIES = """
SELECT extract(epoch FROM r.created_at)::float8, extract(epoch FROM a.started_at)::float8,
       extract(epoch FROM r.finished_at)::float8
FROM runs r JOIN attempts a ON a.run_id = r.id AND a.step = 'validate_order' AND a.kind = 'do' AND a.number = 1
WHERE r.pipeline = 'fulfill-order' AND r.state = 'completed' AND r.finished_at >= to_timestamp(%s)
ORDER BY r.finished_at
"""
_BACKLOG = """
SELECT count(*) FILTER (WHERE owner IS NULL), count(*) FILTER (WHERE owner IS NOT NULL)
FROM runs WHERE pipeline = 'fulfill-order' AND finished_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class History:
    """When one run was accepted, taken up, and completed."""

    accepted_at: float
    begun_at: float
    completed_at: float

    @property
    def wait_ms(self) -> float:
        return 1000 * (self.begun_at - self.accepted_at)

    @property
    def life_ms(self) -> float:
        return 1000 * (self.completed_at - self.accepted_at)


class Journal:
    """Asked over a connection of its own."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)

    def completed_since(self, moment: float) -> list[History]:
        """In the order of their ends."""
        return [History(*row) for row in self._connection.execute(_HISTORIES, [moment])]

    def backlog(self) -> tuple[int, int]:
        """How many runs nobody has, and how many are in somebody's hands."""
        waiting, in_hand = self._connection.execute(_BACKLOG).fetchall()[0]
        return int(waiting), int(in_hand)

    def close(self) -> None:
        self._connection.close()


def percentile(values: Sequence[float], percent: int) -> float:
    return quantiles(values, n=100)[percent - 1]


def per_second_at_pace(histories: Sequence[History]) -> float:
    """Completed per second between the first and the last tenth of them: the start and the tail are left out."""
    first, last = len(histories) // 10, len(histories) * 9 // 10
    return (last - first) / (histories[last].completed_at - histories[first].completed_at)
