"""Functions go by the name under which any process can import them, and only from modules that were named."""

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from inspect import isclass, ismodule
from typing import Any

from pipelines.errors import TaskRefused, UnknownTask

Function = Callable[..., Any]

_MISSING = object()


class Directory:
    """The modules whose functions may be called, packages with all that is in them."""

    def __init__(self, modules: Sequence[str]) -> None:
        self._modules = tuple(modules)

    def name_of(self, function: Function) -> str:
        """`package.module:qualified.name`. Raises `TaskRefused` for what could not be found again by a name."""
        _refuse_nameless(function)
        module, name = _place_of(function) if hasattr(function, "__qualname__") else self._place_of_object(function)
        if not self._holds(module):
            raise TaskRefused(
                f"{module}.{name} is outside of the modules that tasks may come from ({', '.join(self._modules)}): "
                "name its module in BackgroundWork(...), or wrap it in a function of yours."
            )
        if _looked_up(sys.modules.get(module), name) != function:
            raise TaskRefused(
                f"{module}.{name} is something else than what was added: give the function a name of its own at the "
                "top of its module."
            )
        return f"{module}:{name}"

    def found(self, name: str) -> Function:
        """The function of this name, if it may be called. Raises `UnknownTask`."""
        module, _, qualified = name.partition(":")
        if not self._holds(module):
            raise UnknownTask(f"{module} is not one of the modules that tasks may come from")
        try:
            function = _looked_up(import_module(module), qualified)
        except Exception as error:
            raise UnknownTask(f"{module} cannot be imported: {type(error).__name__}: {error}") from error
        if function is _MISSING or not callable(function):
            raise UnknownTask(f"{module} has no {qualified}")
        home = function.__module__ if hasattr(function, "__qualname__") else type(function).__module__
        if not self._holds(home):  # a module names what it imports, too
            raise UnknownTask(f"{name} is {home}'s, which is not one of the modules that tasks may come from")
        found: Function = function
        return found

    def _holds(self, module: str | None) -> bool:
        return module is not None and any(module == each or module.startswith(f"{each}.") for each in self._modules)

    def _place_of_object(self, function: Function) -> tuple[str, str]:
        """The name of an object with a `__call__`, if a module has one for it."""
        for module, members in [(each, vars(known)) for each, known in sys.modules.items() if self._holds(each)]:
            for name, member in list(members.items()):
                if member is function and self._holds(type(function).__module__):
                    return module, name
        raise TaskRefused(
            f"a {type(function).__qualname__} object cannot be found again by a name: give it one at the top of its "
            "module, or add a function instead."
        )


def _refuse_nameless(function: Function) -> None:
    if not callable(function):
        raise TaskRefused(f"{function!r} cannot be called: add the function itself, and its arguments after it.")
    name = str(getattr(function, "__qualname__", ""))
    if "<lambda>" in name:
        raise TaskRefused("a lambda has no name to be found by: make it a `def` at the top of a module.")
    if "<locals>" in name:
        raise TaskRefused(
            f"{name.replace('.<locals>', '')} exists only inside another function: move it to the top of a module, "
            "and hand over as arguments what it took from around it."
        )
    owner = getattr(function, "__self__", None)
    if owner is not None and not isclass(owner) and not ismodule(owner):
        raise TaskRefused(
            f"{name} is bound to an object, which cannot be stored: add a function that takes an id, and makes or "
            "finds the object."
        )


def _place_of(function: Function) -> tuple[str, str]:
    owner = getattr(function, "__self__", None)
    if isclass(owner):  # a class method belongs to the class that it was taken from
        return owner.__module__, f"{owner.__qualname__}.{function.__name__}"
    return str(function.__module__), function.__qualname__


def _looked_up(module: object, name: str) -> Any:
    """By way of classes only: what a module imports is not its own."""
    found: Any = module
    for part in name.split("."):
        if not ismodule(found) and not isclass(found):
            return _MISSING
        if ismodule(found) and found is not module:
            return _MISSING
        found = getattr(found, part, _MISSING)
    return found
