"""Values that can be recognised wherever they come out again: what clients send, spoiled in every way."""

import json
import re
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from tests.builders.imports import a_file, a_row

_TOKEN = f"q{secrets.token_hex(8)}"
_LEAKED = re.compile(rf"[\w.@/-]*{_TOKEN}[\w.@/-]*", re.IGNORECASE)
_HEADERS = (
    *("cookie", "user-agent", "referer", "origin", "idempotency-key", "if-match", "if-none-match", "last-event-id"),
    *("webhook-id", "webhook-timestamp", "webhook-signature", "x-forwarded-for", "x-api-key", "accept", "host"),
)


def canary(kind: str) -> str:
    """`street` sings `street-q1f...`: what has leaked says where it came from."""
    return f"{kind}-{_TOKEN}"


def mail_canary(kind: str) -> str:
    return f"{canary(kind)}@example.com"


def leaked(text: str, *more: str) -> set[str]:
    """What of all canaries, and of these secrets that were made for us, is in it."""
    return set(_LEAKED.findall(text)) | {each for each in more if each in text}


def headers() -> dict[str, str]:
    return {name: canary(name) for name in _HEADERS}


def everywhere(method: str, path: str, operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> Iterator[Any]:
    """Requests to one route, for `client.request`: a canary wherever there is room for one."""
    asked = {each["name"]: canary("query") for each in operation.get("parameters", ()) if each["in"] == "query"}
    request = {
        "method": method,
        "url": re.sub(r"\{(\w+)\}", lambda found: canary(found[1]), path),
        "params": asked | {"unknown": canary("query"), canary("query name"): "1"},
        "headers": headers(),
    }
    yield request
    yield {**request, "params": asked}
    if method == "GET":
        return
    bare = {**request, "params": {}, "headers": {}}
    for body in _bodies(operation, schemas):
        yield {**bare, "json": body}
    yield {**bare, "content": f'{{"name": "{canary("bad-json")}", '.encode(), "headers": _JSON}
    yield {**bare, "content": f'["{canary("utf-8")}\xff"]'.encode("latin-1"), "headers": _JSON}
    yield {**bare, "content": canary("text").encode(), "headers": {"content-type": f"text/{canary('type')}"}}
    yield {**bare, "files": {canary("field"): (f"{canary('file')}.csv", canary("cell"), f"text/{canary('type')}")}}
    rows = a_file(a_row(canary("reference"), sku=canary("sku")), header=[canary("column")])
    yield {**bare, "files": {"file": (f"{canary('file')}.csv", rows, "text/csv")}, "headers": _IN_PRIVATE}


_JSON = {"content-type": "application/json"}
_IN_PRIVATE = {"authorization": f"Basic {canary('password')}"}


def _bodies(operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> Iterator[Any]:
    """A canary in each field that it declares, and in each string of its examples."""
    names = re.findall(r"#/components/schemas/(\w+)", json.dumps(operation.get("requestBody", {})))
    for schema in (schemas[name] for name in names):
        yield {field: canary(field) for field in schema.get("properties", ())} | {"unknown": canary("unknown")}
        yield from (_sung(example) for example in schema.get("examples", ()))
    yield {canary("field name"): canary("value")}  # a plain name is told: it says where the flaw is


def _sung(value: Any, field: str = "value") -> Any:
    match value:
        case str():
            return canary(field)
        case dict():
            return {name: _sung(each, name) for name, each in value.items()}
        case list():
            return [_sung(each, field) for each in value]
        case _:
            return value
