"""What Prometheus hears about HTTP: requests by method, route and status, how long they took, how many are open."""

from collections.abc import Callable, Iterable

from anyio import to_thread
from fastapi import Request, Response
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import choose_encoder

from orders_service.route_names import NamedRoute, method_label
from pipelines.telemetry import Zeros

MOST_SCRAPES = 4


class HttpMetrics:
    """The HTTP metrics of one process, on the registry it is given."""

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        version: str,
        commit: str = "unknown",
        exemplar: Callable[[], dict[str, str] | None] = lambda: None,
    ) -> None:
        self._exemplar = exemplar
        self._expected: tuple[NamedRoute, ...] = ()
        registry.register(Zeros(self._start_at_zero))
        self._requests = Counter(
            "orders_http_requests",
            "Requests answered, by route template. Requests no route matches count as <unmatched>.",
            ["method", "route", "status"],
            registry=registry,
        )
        self._duration = Histogram(
            "orders_http_request_duration_seconds",
            "Time until the answer began; what a slow reader or an event stream takes after that does not count.",
            ["method", "route"],  # the default buckets: 1 s, the objective, is an exact bound
            registry=registry,
        )
        self._in_progress = Gauge(
            "orders_http_requests_in_progress",
            "Requests being answered, open event streams too.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._replays = Counter(
            "orders_idempotent_replays",
            "Requests that were answered with what was answered before under their Idempotency-Key.",
            ["route"],
            registry=registry,
        )
        _name_build(registry, version, commit)

    def expect(self, routes: Iterable[NamedRoute]) -> None:
        """Known series start at 0, else `rate()` misses the first event of each."""
        self._expected = tuple(routes)

    def _start_at_zero(self) -> None:
        for method, template, statuses, is_repeatable in self._expected:
            self._duration.labels(method, template)
            for status in {*statuses, 500}:
                self._requests.labels(method, template, str(status))
            if is_repeatable:
                self._replays.labels(template)

    def begin(self) -> None:
        self._in_progress.inc()

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """`route` is a template of `RouteNames`, never a path."""
        label = method_label(method)
        self._requests.labels(label, route, str(status)).inc()
        self._duration.labels(label, route).observe(seconds, self._exemplar())

    def replayed(self, route: str) -> None:
        self._replays.labels(route).inc()

    def end(self) -> None:
        self._in_progress.dec()


async def metrics(request: Request) -> Response:
    """The endpoint of `/metrics`, in the format that Accept asks for.

    In a thread, since collecting may wait for the journal a little; and in none of those that endpoints share, which
    may all be waiting for the database.
    """
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    state = request.app.state
    written = await to_thread.run_sync(encode, state.registry, limiter=state.scrapes)
    return Response(written, headers={"Content-Type": content_type})


def _name_build(registry: CollectorRegistry, version: str, commit: str) -> None:
    build = Gauge(
        "orders_build_info",
        "What is running, always 1.",
        ["version", "commit"],
        registry=registry,
        multiprocess_mode="livemax",
    )
    build.labels(version, commit).set(1)
