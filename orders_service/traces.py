"""What a trace holds of a request: its route, status and duration, and nothing that its client has written."""

from fastapi.telemetry import TelemetryConfig
from opentelemetry.trace import get_current_span
from starlette.types import Scope

from orders_service.exchange import UNWATCHED
from orders_service.route_names import path_of

COVERED = "REDACTED"  # as OpenTelemetry's conventions call it

TELEMETRY: TelemetryConfig = {
    "metrics": False,  # or those of Prometheus would be doubled
    "logs": False,  # they quote what a client sent
    "exclude": lambda scope: path_of(scope) in UNWATCHED,
}


def cover(scope: Scope) -> None:
    """FastAPI's span begins with path, query, Host and unknown method as they came; it is open still, so cover them.

    `http.route` tells which route it was.
    """
    span = get_current_span()
    if not span.is_recording():
        return
    span.set_attribute("url.path", COVERED)
    span.set_attribute("server.address", (scope.get("server") or (COVERED,))[0])
    if scope["query_string"]:
        span.set_attribute("url.query", COVERED)
    if "http.request.method_original" in getattr(span, "attributes", {}):
        span.set_attribute("http.request.method_original", COVERED)
