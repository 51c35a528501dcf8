"""What Prometheus hears about HTTP: requests by method, route and status, how long they took, how many are open."""

from collections.abc import Iterable

from fastapi import Request, Response
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info
from prometheus_client.exposition import choose_encoder

from orders_service.route_names import NamedRoute, method_label


class HttpMetrics:
    """The HTTP metrics of one process, on the registry it is given."""

    def __init__(self, registry: CollectorRegistry, *, version: str, commit: str = "unknown") -> None:
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
            "orders_http_requests_in_progress", "Requests being answered, open event streams too.", registry=registry
        )
        Info("orders_build", "What is running.", registry=registry).info({"version": version, "commit": commit})

    def expect(self, routes: Iterable[NamedRoute]) -> None:
        """Known series start at 0, else `rate()` misses the first event of each."""
        for method, template, statuses in routes:
            self._duration.labels(method, template)
            for status in {*statuses, 500}:
                self._requests.labels(method, template, str(status))

    def begin(self) -> None:
        self._in_progress.inc()

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """`route` is a template of `RouteNames`, never a path."""
        label = method_label(method)
        self._requests.labels(label, route, str(status)).inc()
        self._duration.labels(label, route).observe(seconds)

    def end(self) -> None:
        self._in_progress.dec()


def metrics(request: Request) -> Response:
    """The endpoint of `/metrics`, in the format that Accept asks for.

    A plain def, so it runs in a thread: collecting may read the database.
    """
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(request.app.state.registry), headers={"Content-Type": content_type})
