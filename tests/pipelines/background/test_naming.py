"""Which functions can be found again, and what is said of those that cannot."""

import asyncio
import functools
import os
from collections.abc import Callable
from typing import Any

import pytest

from pipelines.background.naming import Directory
from pipelines.errors import TaskRefused, UnknownTask
from tests.builders import errands

ERRANDS = Directory([errands.HERE])


def at_the_top() -> None:
    """A function that can be found."""


def made_inside() -> Callable[[], None]:
    def inner() -> None:
        """One that cannot."""

    return inner


@functools.wraps(at_the_top)
def impostor() -> None:
    """Says that it is another."""


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (errands.write, "write"),
        (errands.send, "send"),
        (errands.write_decorated, "write_decorated"),
        (errands.office, "office"),
        (errands.Office.open, "Office.open"),
        (errands.Office.close, "Office.close"),
        (errands.Letter, "Letter"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_has_a_name_at_the_top_of_a_module_is_found_again(function: Any, name: str) -> None:
    assert ERRANDS.name_of(function) == f"{errands.HERE}:{name}"
    assert ERRANDS.found(f"{errands.HERE}:{name}") == function


@pytest.mark.parametrize(
    ("function", "advice"),
    [
        (lambda: None, "a lambda has no name to be found by: make it a `def`"),
        (made_inside(), "made_inside.inner exists only inside another function: move it to the top of a module"),
        (
            errands.office.post,
            "Office.post is bound to an object, which cannot be stored: add a function that takes an",
        ),
        (errands.Office(), "a Office object cannot be found again by a name: give it one"),
        (impostor, "at_the_top is something else than what was added: give the function a name of its own"),
        (asyncio.run, "asyncio.runners.run is outside of the modules that tasks may come from"),
        (print, "builtins.print is outside of the modules"),
        (None, "None cannot be called: add the function itself, and its arguments after it"),
    ],
    ids=["lambda", "closure", "method", "object", "impostor", "elsewhere", "builtin", "a call's result"],
)
def test_what_has_no_such_name_is_refused_with_what_to_do(function: Any, advice: str) -> None:
    with pytest.raises(TaskRefused, match=advice):
        Directory([__name__, errands.HERE]).name_of(function)


def test_a_package_holds_all_that_is_in_it_and_nothing_that_only_begins_like_it() -> None:
    assert Directory(["tests.builders"]).name_of(errands.write)
    with pytest.raises(TaskRefused):
        Directory(["tests.build"]).name_of(errands.write)


@pytest.mark.parametrize(
    "name",
    [
        "os:getcwd",
        f"{errands.HERE}:asyncio.run",
        f"{errands.HERE}:functools.partial",
        f"{errands.HERE}:UUID",
        f"{errands.HERE}:threading.os.system",
        f"{errands.HERE}:done.append",
        f"{errands.HERE}:HERE",
        f"{errands.HERE}:renamed",
        f"{errands.HERE}:",
        f"{errands.HERE}.gone:send",
        "",
    ],
)
def test_what_a_stored_name_may_not_reach_is_unknown_rather_than_called(name: str) -> None:
    with pytest.raises(UnknownTask):
        ERRANDS.found(name)


def test_a_module_that_cannot_be_imported_leaves_its_tasks_to_a_process_that_can(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_module.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UnknownTask, match="cannot be imported: ZeroDivisionError"):
        Directory(["broken_module"]).found("broken_module:send")


def test_nothing_is_imported_for_a_name_that_is_not_allowed(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sly_module.py").write_text("import os; os.environ['SLY'] = 'yes'")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delenv("SLY", raising=False)
    with pytest.raises(UnknownTask):
        ERRANDS.found("sly_module:send")
    assert "SLY" not in os.environ
