"""What is said to the outside, and under which key."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any

KEY_NAMES = ("key", "idempotency_key")


@dataclass(frozen=True, slots=True)
class Doing:
    """The step, or the undo, that is being performed, and the key that it was given."""

    name: str
    key: str


@dataclass(frozen=True, slots=True)
class OutsideCall:
    """One call that went out. Without a key the other side cannot know it from an earlier one."""

    what: str
    step: str
    key: str | None


Listener = Callable[[str, Callable[..., Any], tuple[Any, ...], Mapping[str, Any]], Awaitable[object]]


class Overheard:
    """A gateway as it is, but somebody listens to its public `async` methods."""

    def __init__(self, gateway: object, name: str, listener: Listener) -> None:
        self._gateway = gateway
        self._name = name
        self._listener = listener

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._gateway, name)
        if name.startswith("_") or not inspect.iscoroutinefunction(value):
            return value

        @wraps(value)
        async def overheard(*args: Any, **kwargs: Any) -> Any:
            return await self._listener(f"{self._name}.{name}", value, args, kwargs)

        return overheard


def key_of(
    method: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], idempotency_key: str
) -> str | None:
    """What the other side may know the call by: what is called a key, or wherever the step's own key was put."""
    given = inspect.signature(method).bind(*args, **kwargs).arguments
    for name in KEY_NAMES:
        if given.get(name) is not None:
            return str(given[name])
    return idempotency_key if idempotency_key and idempotency_key in repr(given) else None
