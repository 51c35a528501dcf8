"""Where exceptions become problems: installs what makes every 4xx and 5xx of an application a problem document."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from orders_service.problems import Code, Flaw, Problem, ProblemDetails, answer, problem_for, responses, unexpected
from pipelines import errors

# An exception of the mapping's key comes in; Any, because a function of one error takes no other.
Translation: TypeAlias = Callable[[Any], Problem]

_PIPELINES: Mapping[type[Exception], Code] = {
    errors.StateConflict: "state-conflict",
    errors.UnknownRun: "not-found",
    errors.UnknownSchedule: "not-found",
    errors.JournalError: "unavailable",  # the base: Fenced, Unavailable and what may be added below it
    errors.Overloaded: "overloaded",
    errors.StorageFull: "storage-full",
    errors.OutcomeUnknown: "outcome-unknown",
    # What reading raises when the database is away, or so busy that no connection came free.
    OperationalError: "unavailable",
    InterfaceError: "unavailable",
    NoConnection: "unavailable",
}
_METHOD_NOT_ALLOWED = 405
_MOST_FLAWS = 20  # a body of empty objects could else be answered with an answer many times its size
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
# Of these pydantic quotes what it was given.
_OWN_WORDS = {
    "uuid_parsing": "Input should be a valid UUID",
    "union_tag_invalid": "Input tag is not one of the expected tags",
}
_ADDRESS_REFUSED = "value is not a valid email address"


def install(app: FastAPI, translations: Mapping[type[Exception], Translation]) -> None:
    """Every error leaves `app` as a problem; `translations` adds the domain errors of the slices."""
    for kind, code in _PIPELINES.items():
        app.add_exception_handler(kind, _answering(code))
    for kind, translate in translations.items():
        app.add_exception_handler(kind, _translating(translate))
    app.add_exception_handler(HTTPException, _refuse)
    app.add_exception_handler(RequestValidationError, _translating(_invalid))
    app.add_exception_handler(Exception, _unexpected)  # only where no edge is installed: that one lets none through
    _declare(app)


def _answering(code: Code) -> Callable[[Request, Exception], Any]:
    return _translating(lambda _: Problem(code))


def _translating(translate: Translation) -> Callable[[Request, Exception], Any]:
    async def handle(request: Request, error: Exception) -> Response:
        return answer(translate(error), request.scope)

    return handle


async def _refuse(request: Request, error: Exception) -> Response:
    if isinstance(error, Problem):
        return answer(error, request.scope)
    assert isinstance(error, HTTPException)  # noqa: S101 - this is what the handler is registered for
    headers = dict(error.headers or {})
    if error.status_code == _METHOD_NOT_ALLOWED:
        headers["Allow"] = _allowed(request)
    return answer(problem_for(error.status_code, headers=headers), request.scope)


async def _unexpected(request: Request, error: Exception) -> Response:
    return unexpected(error, request.scope)


def _allowed(request: Request) -> str:
    """All methods of the path: the framework names those of the first route that has it."""
    routes = iter_route_contexts(request.app.router.routes)
    methods = {m for route in routes if route.matches(request.scope)[0] is not Match.NONE for m in route.methods or ()}
    return ", ".join(sorted(methods))


def _invalid(error: RequestValidationError) -> Problem:
    flaws = error.errors()
    if any(flaw["type"] == "json_invalid" for flaw in flaws):
        return Problem("malformed-request", "The body is not valid JSON.")
    return Problem("invalid-request", errors=[_flaw(flaw) for flaw in flaws[:_MOST_FLAWS]])


def _flaw(error: Mapping[str, Any]) -> Flaw:
    location, *path = error["loc"]
    return Flaw(location=location, pointer=_pointer(path), message=_message(error))


def _pointer(path: Iterable[object]) -> str:
    """Ends above a name that the client made up, unless it is a plain one: input is not echoed."""
    pointer = ""
    for part in path:
        if not _PLAIN_NAME.fullmatch(str(part)):
            break
        pointer += f"/{part}"
    return pointer


def _message(error: Mapping[str, Any]) -> str:
    message = _OWN_WORDS.get(error["type"], str(error["msg"]))
    return _ADDRESS_REFUSED if message.startswith(_ADDRESS_REFUSED) else message


def _declare(app: FastAPI) -> None:
    """OpenAPI knows the schema that `responses()` refers to, and no other form of a 422."""
    described = app.openapi

    def openapi() -> dict[str, Any]:
        document = described()
        _use_problems(document)
        return document

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's documented way to extend its OpenAPI


def _use_problems(document: dict[str, Any]) -> None:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    details = ProblemDetails.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update({**details.pop("$defs"), ProblemDetails.__name__: details})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for path in document.get("paths", {}).values():
        for operation in path.values():
            declared = operation.get("responses", {})
            if "application/json" in declared.get("422", {}).get("content", {}):
                declared["422"] = responses(422)[422]
