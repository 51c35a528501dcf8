"""What Prometheus hears about connections to the database: how many are in use, and how many lie idle."""

from prometheus_client import CollectorRegistry, Gauge
from sqlalchemy import Engine, event

IN_USE, IDLE = "in_use", "idle"


class PoolMetrics:
    """Follows pools by what they tell; looked up at a scrape, it would be the pool of whichever worker answers."""

    def __init__(self, registry: CollectorRegistry) -> None:
        connections = Gauge(
            "orders_db_pool_connections",
            "Connections for reading, by what they do; the one that writes is beside them.",
            ["state"],
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._in_use, self._idle = connections.labels(IN_USE), connections.labels(IDLE)

    def watch(self, engine: Engine) -> None:
        """From now on; nothing of it may be open yet, or it is open and idle."""
        event.listen(engine, "connect", lambda *_: self._idle.inc())
        event.listen(engine, "close", lambda *_: self._idle.dec())
        event.listen(engine, "checkout", lambda *_: self._take())
        event.listen(engine, "checkin", lambda *_: self._give_back())

    def _take(self) -> None:
        self._idle.dec()
        self._in_use.inc()

    def _give_back(self) -> None:
        self._in_use.dec()
        self._idle.inc()
