"""The template of the route that answered a request, for labels and logs: a closed set, whatever paths are tried."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext, iter_route_contexts
from starlette.routing import BaseRoute, Mount
from starlette.types import Scope

from orders_service.idempotency import HEADER as IDEMPOTENCY_KEY

UNMATCHED = "<unmatched>"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_OK = 200


class NamedRoute(NamedTuple):
    """One method of one route, with the statuses it declares; a repeatable one takes an `Idempotency-Key`."""

    method: str
    template: str
    statuses: frozenset[int]
    is_repeatable: bool


class RouteNames:
    """Finds the template by the endpoint, which the router leaves in the scope.

    `scope["route"]` would not do: it knows its path without the prefix of the router it was included in.
    """

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        self._by_method: dict[tuple[object, str], str] = {}
        self._by_endpoint: dict[object, str] = {}
        self._known: list[NamedRoute] = []
        for context in iter_route_contexts(routes):
            self._learn(context)

    def __iter__(self) -> Iterator[NamedRoute]:
        return iter(self._known)

    def name(self, scope: Scope) -> str:
        """The template, `/v1/orders/{id}`; of a sibling where the method is none of the route's (405)."""
        endpoint = scope.get("endpoint")
        template = self._by_method.get((endpoint, scope["method"]))
        return template or self._by_endpoint.get(endpoint, UNMATCHED)

    def _learn(self, context: RouteContext) -> None:
        if isinstance(context.original_route, Mount):
            mount = context.original_route
            self._by_endpoint.setdefault(mount.app, f"{context.path}/*")
            return
        template = context.path_format or context.path
        if template is None:
            return
        self._by_endpoint.setdefault(context.endpoint, template)
        for method in context.methods or ():
            self._by_method.setdefault((context.endpoint, method), template)
            self._known.append(NamedRoute(method, template, _statuses(context), _is_repeatable(context)))


def path_of(scope: Scope) -> str:
    """The path as routes have it: without the prefix under which a proxy offers the service."""
    path, prefix = str(scope["path"]), scope.get("root_path", "")
    return path[len(prefix) :] if prefix and path.startswith(f"{prefix}/") else path


def method_label(method: str) -> str:
    """The method, or `other`: a client may make up its own."""
    return method if method in _METHODS else "other"


def _is_repeatable(context: RouteContext) -> bool:
    return _takes_key(getattr(context, "dependant", None))


def _takes_key(dependant: Dependant | None) -> bool:
    if dependant is None:
        return False
    takes_it = any(each.alias.lower() == IDEMPOTENCY_KEY for each in dependant.header_params)
    return takes_it or any(map(_takes_key, dependant.dependencies))


def _statuses(context: RouteContext) -> frozenset[int]:
    success = getattr(context, "status_code", None) or _OK
    declared = getattr(context, "responses", None) or {}
    return frozenset({success, *(int(status) for status in declared if str(status).isdigit())})
