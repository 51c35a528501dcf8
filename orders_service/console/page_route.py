"""Routes of pages: whoever has not signed in is led to where they can, and an error is a page that people can read."""

import json
from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.routing import APIRoute

from orders_service.auth import Forbidden
from orders_service.console.errors import ForgedForm, SignInFirst
from orders_service.console.pages import page, to_page
from orders_service.problems import Problem, answer, unexpected

_FORGED = Problem("forbidden", "This form was not sent from a page of this session. Go back, reload, and try again.")
_NOT_ALLOWED = Problem("forbidden", "The key that you have signed in with may not see or do this.")


class PageRoute(APIRoute):
    """The route class of the console's routers."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def page_or_error(request: Request) -> Response:
            request.state.via = "console"  # for the auditor
            try:
                return await handle(request)
            except SignInFirst:
                return _to_sign_in(request)
            except Exception as error:  # noqa: BLE001 - the application's own handlers say what it means
                return await _error_page(request, error)

        return page_or_error


def _to_sign_in(request: Request) -> Response:
    """Back to this page afterwards, if it is one: what was to be changed is not changed behind a sign-in."""
    if (whole := request.headers.get("hx-current-url")) is not None:  # a part of a page, which no sign-in fits into
        return Response(status_code=204, headers={"HX-Redirect": whole})
    wanted = request.url.path.removeprefix(request.scope.get("root_path", ""))
    query = f"?{request.url.query}" if request.url.query else ""
    after = {"next": wanted + query} if request.method == "GET" else {}
    return to_page(request, f"/console/sign-in?{urlencode(after)}" if after else "/console/sign-in")


async def _error_page(request: Request, error: Exception) -> Response:
    problem = await _problem_of(request, error)
    told = json.loads(bytes(problem.body))
    visit = getattr(request.state, "visit", None)
    return page(request, "error.html", visit, status=problem.status_code, problem=told)


async def _problem_of(request: Request, error: Exception) -> Response:
    """As the API would answer."""
    if isinstance(error, ForgedForm | Forbidden):
        return answer(_FORGED if isinstance(error, ForgedForm) else _NOT_ALLOWED, request.scope)
    for kind in type(error).__mro__:
        if kind is not Exception and (translate := request.app.exception_handlers.get(kind)) is not None:
            translated: Response = await translate(request, error)
            return translated
    return unexpected(error, request.scope)
