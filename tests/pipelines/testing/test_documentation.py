"""The examples of docs/testing.md are run as they stand."""

import inspect
import re
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[3] / "docs" / "testing.md"
LONGEST_PAGE = 120


def the_examples() -> dict[str, Any]:
    """All of them, one after the other, as one module."""
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL)
    module: dict[str, Any] = {"__name__": "examples"}
    exec(compile("\n".join(blocks), str(PAGE), "exec"), module)  # noqa: S102 - our own page
    return module


EXAMPLES = {name: value for name, value in the_examples().items() if name.startswith("test_")}


@pytest.mark.parametrize("name", EXAMPLES)
async def test_an_example_holds(name: str) -> None:
    example = EXAMPLES[name]
    for arguments in [(False,), (True,)] if inspect.signature(example).parameters else [()]:
        await example(*arguments)


def test_the_page_is_short() -> None:
    assert len(PAGE.read_text().splitlines()) <= LONGEST_PAGE
    assert len(EXAMPLES) == 3
