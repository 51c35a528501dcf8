"""Arguments of a task as JSON: what would come back as something else is refused before it is stored."""

import math
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from inspect import Parameter, Signature, signature
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import to_json

from pipelines.errors import TaskRefused

Function = Callable[..., Any]

_UNSAID = Parameter.empty


def stored(
    function: Function, args: Sequence[Any], kwargs: Mapping[str, Any], label: str
) -> tuple[list[Any], dict[str, Any], list[str]]:
    """Both kinds of arguments as JSON knows them, and the names of those to be read by their annotation.

    Raises `TaskRefused` for arguments that the function does not take, and for those that JSON would change.
    """
    takes = _signature(function)
    if takes is not None:
        try:
            takes.bind(*args, **kwargs)
        except TypeError as error:
            raise TaskRefused(f"{label} cannot be called with these arguments: {error}.") from None
    if not all(map(str.isidentifier, kwargs)):  # a name made of digits would be taken for a place
        raise TaskRefused(f"{label}: a keyword argument has to be a name.")
    typed: list[str] = []
    places = {str(place): value for place, value in enumerate(args)} | dict(kwargs)
    kept = {}
    for name, value in places.items():
        kept[name], is_typed = _stored(value, _annotation(takes, name), f"{label}: argument {_called(takes, name)}")
        typed += [name] * is_typed
    return [kept[str(place)] for place in range(len(args))], {name: kept[name] for name in kwargs}, typed


def restored(
    function: Function, args: Sequence[Any], kwargs: Mapping[str, Any], typed: Sequence[str]
) -> tuple[list[Any], dict[str, Any]]:
    """The arguments as they were handed over. Raises what the types of the annotations raise."""
    takes = _signature(function)

    def read(name: str, value: Any) -> Any:
        if name not in typed:
            return value
        return TypeAdapter(_annotation(takes, name)).validate_json(to_json(value))

    return (
        [read(str(place), value) for place, value in enumerate(args)],
        {name: read(name, value) for name, value in kwargs.items()},
    )


def _stored(value: Any, annotation: Any, label: str) -> tuple[Any, bool]:
    """As it is where JSON says the same; else in the form that its annotation reads back."""
    try:
        if _is_plain(value):
            to_json(value)  # a lone surrogate is no text
            return deepcopy(value), False  # the request may go on changing it
        if annotation is not _UNSAID:
            adapter = TypeAdapter(annotation)
            form = adapter.dump_python(value, mode="json", warnings="error")
            if _is_same(adapter.validate_json(to_json(form)), value):
                return form, True
    except Exception as error:  # whatever the types of others raise, it cannot be stored
        raise TaskRefused(_refusal(value, label)) from error
    raise TaskRefused(_refusal(value, label))


def _refusal(value: Any, label: str) -> str:
    return (
        f"{label} is a {type(value).__qualname__} that JSON cannot carry faithfully: annotate the parameter with a "
        "type that can be read back (a model, a dataclass, datetime, UUID), or hand over an id and look it up in the "
        "task."
    )


def _is_plain(value: Any) -> bool:
    if value is None or type(value) in {bool, int, str}:
        return True
    if type(value) is float:
        return math.isfinite(value)
    if type(value) is list:
        return all(map(_is_plain, value))
    return type(value) is dict and all(type(key) is str for key in value) and all(map(_is_plain, value.values()))


def _is_same(back: Any, value: Any) -> bool:
    if type(back) is not type(value):
        return False
    if isinstance(value, list | tuple):
        return len(back) == len(value) and all(map(_is_same, back, value))
    if isinstance(value, dict):
        return back.keys() == value.keys() and all(_is_same(back[key], value[key]) for key in value)
    return bool(back == value)


def _signature(function: Function) -> Signature | None:
    """None for what cannot be asked; annotations that cannot be read count as not there."""
    try:
        return signature(function, eval_str=True)
    except (ValueError, TypeError):
        return None
    except Exception:  # noqa: BLE001 - an annotation that names what is only imported for checking
        return signature(function)


def _parameter(takes: Signature | None, name: str) -> Parameter | None:
    """By place or by name, as arguments are."""
    if takes is None:
        return None
    parameters = list(takes.parameters.values())
    if not name.isdigit():
        named = takes.parameters.get(name)
        by_name = named if named is not None and named.kind is not Parameter.POSITIONAL_ONLY else None
        return by_name or next((each for each in parameters if each.kind is Parameter.VAR_KEYWORD), None)
    positional = [each for each in parameters if each.kind in _PLACED]
    rest = next((each for each in parameters if each.kind is Parameter.VAR_POSITIONAL), None)
    return positional[int(name)] if int(name) < len(positional) else rest


_PLACED = {Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD}


def _annotation(takes: Signature | None, name: str) -> Any:
    parameter = _parameter(takes, name)
    if parameter is None or isinstance(parameter.annotation, str):
        return _UNSAID
    return parameter.annotation


def _called(takes: Signature | None, name: str) -> str:
    parameter = _parameter(takes, name)
    return repr(parameter.name if parameter is not None and name.isdigit() else name)
