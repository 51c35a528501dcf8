"""Where an exception came from, without its words: those may quote what a customer sent, down to SQL parameters."""

import traceback
from collections.abc import Iterator

MOST_FRAMES = 30
"""So many are told; more than that is a loop."""


def kinds_of(error: BaseException) -> str:
    """Its type, and those of the exceptions that it came from."""
    return " from ".join(type(each).__qualname__ for each in _chain(error))


def places_of(error: BaseException) -> list[str]:
    """File, line and function of its last frames, the innermost last."""
    frames = traceback.extract_tb(error.__traceback__)[-MOST_FRAMES:]
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
