"""Functions at the top of a module, as background tasks have to be: what they did is remembered."""

import asyncio
import functools
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

from pydantic import BaseModel

from pipelines import Reject
from tests.builders.desk import PATIENCE_SECONDS
from tests.builders.world import Gate

P = ParamSpec("P")
R = TypeVar("R")

HERE = __name__

done: list[Any] = []
failing: dict[str, int] = {}
threads: list[str] = []
gates: list[Gate] = []
MEETING = 6
meeting = threading.Barrier(MEETING)


class Color(Enum):
    """An argument that JSON does not know."""

    RED = "red"


class Letter(BaseModel):
    """An argument that its annotation brings back."""

    to: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Parcel:
    """The same, as a dataclass."""

    weight: Decimal
    to: UUID


def forget() -> None:
    """As if nothing had been done; nothing fails."""
    done.clear()
    failing.clear()
    threads.clear()
    gates.clear()
    meeting.reset()  # where somebody once did not come, nobody could meet again


def fail(name: str, times: int = 1000) -> None:
    """The next calls with this name fail."""
    failing[name] = times


def write(name: str, **more: Any) -> None:
    threads.append(threading.current_thread().name)
    _do(name, **more)


async def send(name: str, message: str = "") -> None:
    threads.append(threading.current_thread().name)
    await asyncio.sleep(0)
    _do(name, **({"message": message} if message else {}))


def gate() -> Gate:
    """Where the next `wait_at_the_gate` waits; each test has one of its own."""
    gates[:] = [Gate()]
    return gates[0]


async def wait_at_the_gate(name: str) -> None:
    gates[0].reached.set()
    await gates[0].opened.wait()
    _do(name)


def meet(name: str) -> None:
    """Goes on when all have come."""
    meeting.wait(PATIENCE_SECONDS)
    _do(name)


def give_back(name: str) -> object:
    _do(name)
    return object()


def refuse(name: str) -> None:
    raise Reject(name)


def _do(name: str, **more: Any) -> None:
    if failing.get(name):
        failing[name] -= 1
        raise ConnectionError(f"{name} is not to be had")
    done.append((name, more) if more else name)


def send_soon(name: str) -> Awaitable[None]:
    """A `def` that returns what is to be awaited."""
    return send(name)


def keep(letter: Letter, color: Color, parcel: Parcel, when: datetime) -> None:
    done.append((letter, color, parcel, when))


def keep_letter(letter: Letter) -> None:
    done.append(letter)


def keep_plain(what: Any) -> None:
    done.append(what)


def keep_all(*dates: datetime, **named: UUID) -> None:
    done.append((dates, named))


def wrapped(function: Callable[P, R]) -> Callable[P, R]:
    @functools.wraps(function)
    def around(*args: P.args, **kwargs: P.kwargs) -> R:
        return function(*args, **kwargs)

    return around


@wrapped
def write_decorated(name: str) -> None:
    _do(name)


class Office:
    """Its instances have a method, and can be called."""

    async def __call__(self, name: str) -> None:
        threads.append(threading.current_thread().name)
        _do(name)

    def post(self, name: str) -> None:
        _do(name)

    @classmethod
    def open(cls, name: str) -> None:
        _do(f"{cls.__name__}: {name}")

    @staticmethod
    def close(name: str) -> None:
        _do(name)


office = Office()
