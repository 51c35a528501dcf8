"""No file over 300 lines, no function over 40: if it does not fit, a concept is missing a name."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LONGEST_FILE = 300
LONGEST_FUNCTION = 40
FORBIDDEN_NAMES = {"service.py", "utils.py", "helpers.py", "common.py", "manager.py", "base.py"}


def source_files() -> list[Path]:
    return sorted(file for folder in ("pipelines", "orders_service", "tests") for file in (ROOT / folder).rglob("*.py"))


def functions(file: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("file", source_files(), ids=lambda file: str(file.relative_to(ROOT)))
def test_file_and_its_functions_are_short(file: Path) -> None:
    assert len(file.read_text().splitlines()) <= LONGEST_FILE
    long = [f.name for f in functions(file) if (f.end_lineno or 0) - f.lineno + 1 > LONGEST_FUNCTION]
    assert not long


def test_files_are_named_for_what_they_say() -> None:
    assert not [file for file in source_files() if file.name in FORBIDDEN_NAMES]


def test_every_module_begins_with_a_sentence() -> None:
    silent = [
        file
        for file in source_files()
        if file.parts[len(ROOT.parts)] in {"pipelines", "orders_service"}
        and not ast.get_docstring(ast.parse(file.read_text()))
    ]
    assert not silent
