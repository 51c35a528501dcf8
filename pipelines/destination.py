"""Who is called by a step, and how much of it that one has to bear."""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import Any

from pipelines.errors import WiringError


@dataclass(frozen=True)
class Destination:
    """Somebody outside whom steps call: name it at each of them (`@pipeline.step(to=WAREHOUSE)`).

    Each process makes at most `concurrency` calls to it at once. A second or later attempt needs a token: there are
    `retries_per_second` of them, and `retry_share` of one for each call that succeeds; a retry that succeeds gives its
    token back. So an outage costs the other side its new calls and a trickle of retries, and a recovery is noticed and
    used at once. A run for which there is no room waits in the journal: it holds no slot and spends no attempt.

    Where there are many of a kind, such as the endpoints of customers, `each` names the one that a run's input is for.
    The figures are then those of each, so one that is down keeps no other from its calls. However many hang at once,
    all of them together are in `share_of_slots` of a process's slots at most, and the rest are for others.
    """

    name: str
    _: KW_ONLY
    concurrency: int = 20
    retries_per_second: float = 1.0
    retry_share: float = 0.1
    each: Callable[[Any], str] | None = None
    share_of_slots: float = 1.0

    def __post_init__(self) -> None:
        if self.concurrency < 1 or self.retries_per_second <= 0 or self.retry_share < 0:
            raise WiringError(f"{self.name}: needs room for a call, and a retry now and then")
        if not 0 < self.share_of_slots <= 1:
            raise WiringError(f"{self.name}: its share of the slots is above 0, and 1 at most")
