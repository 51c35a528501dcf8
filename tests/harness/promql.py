"""What an expression of Prometheus names: metrics, and labels with their values. It is read, not evaluated."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_STRING = r'"(?:[^"\\]|\\.)*"'
_SELECTOR = re.compile(rf'(?<![\w.$:])([a-zA-Z_:][\w:]*)\s*(\{{(?:[^}}"]|{_STRING})*\}})?(?!\s*\(|[\w:])')
_MATCHER = re.compile(rf"(\w+)\s*(=~|!~|!=|=)\s*({_STRING})")
_RANGE = re.compile(r"\[[^\]\"]*\]|\boffset\s+\w+")
_WORDS = {"and", "or", "unless", "bool", "by", "on"}


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on a label."""

    label: str
    operator: str
    value: str

    @property
    def alternatives(self) -> list[str]:
        """The values that are named, as patterns to match in full."""
        return self.value.split("|") if "~" in self.operator else [re.escape(self.value)]


@dataclass(frozen=True, slots=True)
class Selector:
    """A metric, as an expression asks for it."""

    metric: str
    matchers: tuple[Matcher, ...]


def selectors_of(expression: str) -> Iterator[Selector]:
    """All metrics that it names, in their order."""
    bare = _GROUPING.sub(" ", _without_ranges(expression))
    for metric, braces in _SELECTOR.findall(bare):
        if metric not in _WORDS:
            yield Selector(metric, tuple(Matcher(label, how, value[1:-1]) for label, how, value in _matchers(braces)))


def grouped_by(expression: str) -> set[str]:
    """The labels that its result, or parts of it, are grouped by."""
    return {label.strip() for group in _GROUPING.findall(expression) for label in group.split(",") if label.strip()}


def _matchers(braces: str) -> list[tuple[str, str, str]]:
    return _MATCHER.findall(braces)


def _without_ranges(expression: str) -> str:
    """Ranges stand outside strings, and may hold variables of a dashboard."""
    parts = re.split(f"({_STRING})", expression)
    return "".join(part if part.startswith('"') else _RANGE.sub(" ", part) for part in parts)
