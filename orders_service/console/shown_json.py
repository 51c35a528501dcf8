"""Stored JSON as people may see it: pretty, with its secrets hidden, and no longer than a page can take."""

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter

MOST_CHARACTERS = 20_000
MOST_READ = 1_000_000  # what is longer is not even parsed: many may look, and again and again
HIDDEN = "(hidden)"
TOO_LONG = "(not shown: it is too long)"
UNREADABLE = "(not shown: it cannot be read as JSON)"

PERSONAL = frozenset(
    {"customer_email", "email", "to", "name", "salutation", "shipping_address", "ip", "user_agent", "notify_email"}
)
"""Fields that say who somebody is or where they live."""

_SECRET = re.compile(
    "passw|secret|token|authori[sz]ation|credential|signature|cookie|(api|private)[_-]?key", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class ShownJson:
    """The beginning of it, and how many characters are left out."""

    text: str
    left_out: int = 0


def shown(stored: str, declared: Collection[str] = ()) -> ShownJson:
    """What has the name of a secret is hidden wherever it stands, and so are the names that a type declares."""
    if len(stored) > MOST_READ:
        return ShownJson(TOO_LONG, len(stored))
    try:
        text = _pretty(_hide(json.loads(stored), declared))
    except (ValueError, RecursionError):
        return ShownJson(UNREADABLE)
    return ShownJson(text[:MOST_CHARACTERS], max(0, len(text) - MOST_CHARACTERS))


def declared_secrets(*types: Any) -> frozenset[str]:
    """The names of fields that are secret by type, as a `SecretStr` is, anywhere in these types."""
    return frozenset[str]().union(*(_of_class(each) if isinstance(each, type) else _secrets_of(each) for each in types))


def _pretty(value: Any) -> str:
    """Lone surrogates, which JSON can name and no page can hold, become question marks."""
    return json.dumps(value, indent=2, ensure_ascii=False).encode(errors="replace").decode()


def _hide(value: Any, declared: Collection[str]) -> Any:
    match value:
        case dict():
            return {name: _hidden(name, each, declared) for name, each in value.items()}
        case list():
            return [_hide(each, declared) for each in value]
        case str() if value[:1] in {"{", "["}:
            return _hide_inside(value, declared)
        case _:
            return value


def _hidden(name: str, value: Any, declared: Collection[str]) -> Any:
    is_secret = name in declared or _SECRET.search(name) is not None
    return HIDDEN if is_secret and value is not None else _hide(value, declared)


def _hide_inside(text: str, declared: Collection[str]) -> str:
    """A body that is kept as it was sent is JSON within JSON; without a secret it stays as it is, to the byte."""
    try:
        read = json.loads(text)
    except ValueError:
        return text
    hidden = _hide(read, declared)
    return text if hidden == read else json.dumps(hidden, ensure_ascii=False)


@lru_cache(maxsize=256)
def _of_class(type_: type) -> frozenset[str]:
    return _secrets_of(type_)


def _secrets_of(type_: Any) -> frozenset[str]:
    if type_ is None:
        return frozenset()
    return frozenset(_named_secret(TypeAdapter(type_).json_schema(by_alias=False)))


def _named_secret(schema: Any) -> Collection[str]:
    """Pydantic says it in its JSON schema, in which a secret is to be written only, and shown as a password is."""
    found: set[str] = set()
    waiting = [schema]
    while waiting:
        match waiting.pop():
            case {"properties": dict(properties), **rest}:
                found |= {name for name, each in properties.items() if '"writeOnly": true' in json.dumps(each)}
                waiting += [*properties.values(), *rest.values()]
            case dict(inner):
                waiting += inner.values()
            case list(inner):
                waiting += inner
    return found
