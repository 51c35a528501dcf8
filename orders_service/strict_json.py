"""Reads JSON as strictly as two databases and every client's parser have to agree on it, and routes that do so."""

import json
import re
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, NoReturn

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.params import Form
from fastapi.routing import APIRoute
from pydantic import BaseModel

from orders_service.problems import Flaw, Problem

MAX_DEPTH = 32
_CONTAINERS = (dict, list)
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_CONTROL_BUT_LAYOUT = re.compile("[\x7f-\x9f]")


def has_control_characters(text: str) -> bool:
    """NUL, C0, DEL, C1 and lone surrogates: a database, a log line or a mail header chokes on each of them."""
    return _CONTROL.search(text) is not None


def loads(body: bytes) -> Any:
    """The value in `body`. Problem `malformed-request` for what is no JSON, `invalid-request` for what nobody means.

    The second are the cases where parsers differ: NaN, infinite numbers, a key that occurs twice, and characters
    that not every database stores.
    """
    try:
        text = body.decode()
        value = _DECODER.decode(text)
    except (ValueError, RecursionError):
        raise Problem("malformed-request", "The body is not valid JSON in UTF-8.") from None
    if _says_control_characters(text, value):
        raise Problem("invalid-request", "A text contains control characters or lone surrogates.")
    if text.count("{") + text.count("[") > MAX_DEPTH and _is_too_deep(value):
        raise Problem("malformed-request", f"The body is nested more than {MAX_DEPTH} levels deep.")
    return value


def _says_control_characters(text: str, value: object) -> bool:
    """Without escapes it can be seen from outside, where line feeds are layout: inside a text they are no JSON."""
    if "\\" in text:
        return any(has_control_characters(each) for each in _texts_in(value))
    return (not text.isascii() or "\x7f" in text) and _CONTROL_BUT_LAYOUT.search(text) is not None


def _texts_in(value: object) -> Iterator[str]:
    waiting = [value]
    while waiting:
        match waiting.pop():
            case str(text):
                yield text
            case dict(inner):
                waiting += [*inner, *inner.values()]
            case list(inner):
                waiting += inner


def _is_too_deep(value: object) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        containers = [each for each in level if isinstance(each, _CONTAINERS)]
        if not containers:
            return False
        level = [inner for each in containers for inner in (each.values() if isinstance(each, dict) else each)]
    return any(isinstance(each, _CONTAINERS) for each in level)


def _as_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    as_object = dict(pairs)
    if len(as_object) != len(pairs):
        raise Problem("invalid-request", "A key occurs twice in one object.")
    return as_object


def _as_number(text: str) -> float:
    number = float(text)
    return number if number - number == 0 else _refuse_number(text)


def _refuse_number(_: str) -> NoReturn:
    raise Problem("invalid-request", "A number is infinite or not a number.")


_DECODER = json.JSONDecoder(object_pairs_hook=_as_object, parse_float=_as_number, parse_constant=_refuse_number)


class StrictRequest(Request):
    """A request whose JSON is read by `loads`."""

    async def json(self) -> Any:
        return loads(await self.body())


class StrictRoute(APIRoute):
    """For `APIRouter(route_class=StrictRoute)`: strict JSON, and nothing is let by that the route did not ask for.

    Unknown query parameters are refused, so what a dependency of a *router* reads from the query has to be declared
    at the route as well.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        known = frozenset(_query_names(self.dependant))
        takes_json = self.body_field is not None and not isinstance(self.body_field.field_info, Form)

        async def handle_strictly(request: Request) -> Response:
            strict = StrictRequest(request.scope, request.receive)
            _check_address(strict, known)
            if "content-encoding" in strict.headers:
                raise Problem("unsupported-media-type", "A compressed body is not taken.")
            if takes_json and not _is_json(strict.headers.get("content-type", "")) and await strict.body():
                raise Problem("unsupported-media-type", "The body has to be application/json in UTF-8.")
            return await handle(strict)

        return handle_strictly


def _query_names(dependant: Dependant) -> Iterator[str]:
    for field in dependant.query_params:
        model = field.field_info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            yield from (info.alias or name for name, info in model.model_fields.items())
        else:
            yield field.alias
    for inner in dependant.dependencies:
        yield from _query_names(inner)


def _check_address(request: Request, known: frozenset[str]) -> None:
    if any(has_control_characters(str(value)) for value in request.path_params.values()):
        raise Problem("not-found")  # no database could have stored something under such a name
    if not request.scope["query_string"]:
        return
    for name, value in request.query_params.multi_items():
        if name not in known:
            flaw = Flaw(location="query", pointer="", message="A query parameter is not known here")
            raise Problem("invalid-request", errors=[flaw])
        if has_control_characters(value):
            flaw = Flaw(location="query", pointer=f"/{name}", message="Input should not contain control characters")
            raise Problem("invalid-request", errors=[flaw])


def _is_json(content_type: str) -> bool:
    media_type, _, parameters = content_type.lower().partition(";")
    return media_type.strip() == "application/json" and ("charset" not in parameters or "utf-8" in parameters)
