"""The examples of docs/background-tasks.md are one module, and hold as they stand."""

import re
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from sqlmodel import SQLModel

PAGE = Path(__file__).parents[3] / "docs" / "background-tasks.md"
LONGEST_PAGE = 100
BLOCKS: list[str] = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL)
NAMES = re.findall(r"^def (test_\w+)", "\n".join(BLOCKS), flags=re.MULTILINE)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """Imported once: its table is known to the whole process, and must not stay."""
    folder, known = tmp_path_factory.mktemp("shop"), set(SQLModel.metadata.tables)
    (folder / "shop.py").write_text("\n".join(BLOCKS))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.syspath_prepend(folder)
        yield import_module("shop")
        del sys.modules["shop"]
    for name in set(SQLModel.metadata.tables) - known:
        SQLModel.metadata.remove(SQLModel.metadata.tables[name])


@pytest.mark.parametrize("name", NAMES)
def test_an_example_holds(shop: ModuleType, name: str) -> None:
    getattr(shop, name)()


def test_the_page_is_short_and_has_examples() -> None:
    assert len(PAGE.read_text().splitlines()) <= LONGEST_PAGE
    assert len(NAMES) == 1
