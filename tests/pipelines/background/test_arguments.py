"""Arguments come back as what they were, or are refused."""

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from functools import partial
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr, TypeAdapter
from sqlmodel import Session

from pipelines.background import BackgroundWork, StoredTask
from pipelines.background.arguments import restored
from pipelines.errors import TaskRefused
from tests.builders import errands
from tests.builders.errands import Color, Letter, Parcel

WORK = BackgroundWork(errands.HERE)
NOON = datetime(2026, 11, 21, 12, tzinfo=timezone(timedelta(hours=1)))
ID = UUID(int=7)
STORED: TypeAdapter[StoredTask] = TypeAdapter(StoredTask)


def there_and_back(function: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[list[Any], dict[str, Any]]:
    """The arguments after they were stored, and read from what is stored."""
    stored = STORED.validate_json(STORED.dump_json(WORK.stored(function, args, kwargs)))
    return restored(function, stored.args, stored.kwargs, stored.typed)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(PLAIN)
def test_what_json_knows_comes_back_as_it_was(value: Any) -> None:
    assert repr(there_and_back(errands.keep_plain, value)) == repr(([value], {}))


def test_what_json_does_not_know_comes_back_by_its_annotation() -> None:
    letter, parcel = Letter(to="Ada", lines=("a", "b")), Parcel(Decimal("1.50"), ID)
    by_place, by_name = there_and_back(errands.keep, letter, Color.RED, parcel=parcel, when=NOON)
    assert (by_place, by_name) == ([letter, Color.RED], {"parcel": parcel, "when": NOON})


def test_arguments_beyond_the_named_ones_have_annotations_too() -> None:
    assert there_and_back(errands.keep_all, NOON, NOON, one=ID) == ([NOON, NOON], {"one": ID})


def test_what_a_partial_holds_is_stored_with_the_rest() -> None:
    function = partial(partial(errands.send, message="hello"), "a")
    assert WORK.stored(function, (), {"message": "bye"}) == WORK.stored(errands.send, ("a",), {"message": "bye"})


def test_arguments_are_stored_as_they_are_when_the_task_is_added() -> None:
    lines = ["a"]
    stored = WORK.stored(errands.keep_plain, (lines,), {})
    lines.append("b")
    assert stored.args == (["a"],)


class Stranger(BaseModel):
    """Annotated by nobody."""

    name: str


class Loud(Letter):
    """More than its annotation says."""

    volume: int = 11


@pytest.mark.parametrize(
    ("function", "args", "argument"),
    [
        (errands.keep_plain, (NOON,), "'what' is a datetime"),
        (errands.keep_plain, ((1, 2),), "'what' is a tuple"),
        (errands.keep_plain, ({1: "a"},), "'what' is a dict"),
        (errands.keep_plain, (math.nan,), "'what' is a float"),
        (errands.keep_plain, (b"bytes",), "'what' is a bytes"),
        (errands.keep_plain, ("\ud800",), "'what' is a str"),
        (errands.keep_plain, (Stranger(name="x"),), "'what' is a Stranger"),
        (errands.keep_plain, (Color.RED,), "'what' is a Color"),
        (errands.keep_plain, (StringIO(),), "'what' is a StringIO"),
        (errands.keep_plain, (Session(),), "'what' is a Session"),
        (errands.keep_plain, (SecretStr("x"),), "'what' is a SecretStr"),
        (errands.keep, (Loud(to="Ada"), Color.RED, Parcel(Decimal(1), ID), NOON), "'letter' is a Loud"),
        (errands.keep_all, (UTC,), "'dates' is a timezone"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_would_come_back_as_something_else_is_refused(
    function: Callable[..., Any], args: tuple[Any, ...], argument: str
) -> None:
    with pytest.raises(TaskRefused, match=f"argument {argument} that JSON cannot carry faithfully: annotate"):
        WORK.stored(function, args, {})


def test_a_list_that_holds_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(TaskRefused):
        WORK.stored(errands.keep_plain, (endless,), {})


@pytest.mark.parametrize(("args", "kwargs"), [((), {}), (("a", "b", "c"), {}), (("a",), {"nonsense": 1})])
def test_arguments_that_the_function_does_not_take_are_refused_in_the_request(
    args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    with pytest.raises(TaskRefused, match="send cannot be called with these arguments"):
        WORK.stored(errands.send, args, kwargs)


def test_what_is_stored_is_json_that_people_can_read() -> None:
    stored = json.loads(STORED.dump_json(WORK.stored(errands.send, ("a",), {"message": "hello"})))
    assert stored == {"call": f"{errands.HERE}:send", "args": ["a"], "kwargs": {"message": "hello"}, "typed": []}
