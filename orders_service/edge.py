"""The edge of the service: one ASGI middleware for what is true of every request, whatever route it is for."""

from typing import Any

import structlog
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, reset_contextvars

from orders_service.exchange import UNWATCHED, Exchange, Limits
from orders_service.metrics import HttpMetrics
from orders_service.problems import Problem, answer, unexpected
from orders_service.route_names import RouteNames, method_label
from orders_service.subjects import subject_of
from orders_service.traces import cover

__all__ = ["Edge", "Limits", "install"]

_log = structlog.get_logger()


def install(app: FastAPI, limits: Limits, metrics: HttpMetrics) -> None:
    """Call it after the last route was added: the routes there are now get their names and their series."""
    names = RouteNames(app.router.routes)
    metrics.expect(names)
    app.add_middleware(Edge, limits=limits, metrics=metrics, names=names)


class Edge:
    """Request id, limits, security headers, metrics, access line; and no exception gets past it."""

    def __init__(self, app: ASGIApp, *, limits: Limits, metrics: HttpMetrics, names: RouteNames) -> None:
        self._app = app
        self._limits = limits
        self._metrics = metrics
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = Exchange(scope, receive, send, self._limits)
        bound = bind_contextvars(request_id=exchange.request_id)
        self._metrics.begin()
        cover(scope)
        try:
            await self._answer(exchange)
        finally:
            self._report(exchange)
            reset_contextvars(**bound)

    async def _answer(self, exchange: Exchange) -> None:
        scope = exchange.scope
        try:
            exchange.check()
            await self._app(scope, exchange.receive, exchange.send)
        except Problem as problem:
            await exchange.reply(answer(problem, scope))
        except Exception as error:  # noqa: BLE001 - whatever a route lets through becomes the problem `internal-error`
            # Not raised again: the server would log it a second time, with whatever personal data its text quotes.
            # An answer that has begun stays cut off, and the server closes the connection.
            await exchange.reply(unexpected(error, scope))

    def _report(self, exchange: Exchange) -> None:
        self._metrics.end()
        if exchange.status is None:
            return  # cancelled before an answer: the process is going away
        scope, seconds = exchange.scope, exchange.answered_at - exchange.began_at
        route = self._names.name(scope)
        self._metrics.answered(scope["method"], route, exchange.status, seconds)
        if exchange.is_replay:
            self._metrics.replayed(route)
        if exchange.path not in UNWATCHED:
            said: dict[str, Any] = {"method": method_label(scope["method"]), "route": route, "status": exchange.status}
            if code := scope["state"].get("problem"):
                said["problem"] = code
            _log.info("request", **said, **subject_of(scope), milliseconds=round(seconds * 1000, 1))
