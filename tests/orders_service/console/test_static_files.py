"""The sheet of all views: what a page names is styled, and what several hands wrote is there once."""

import re
from collections import Counter
from pathlib import Path

import orders_service.console

FOLDER = Path(orders_service.console.__file__).parent
SHEET = (FOLDER / "static" / "console.css").read_text()
# Names that pages use for themselves and for tests, and those that only some of their rules concern.
WITHOUT_RULES = {"age", "answer", "note", "schedules", "tick", "webhooks"}


def named_in_templates() -> set[str]:
    pages = "".join(path.read_text() for path in (FOLDER / "templates").glob("*.html"))
    without_logic = re.sub(r"\{%.*?%\}|[\w-]*\{\{.*?\}\}", " ", pages)
    return {name for names in re.findall(r'class="([^"]*)"', without_logic) for name in names.split()}


def selectors(sheet: str) -> list[str]:
    """Of the rules that hold at every width."""
    everywhere = re.sub(r"@[^{]*\{(?:[^{}]*\{[^}]*\})*\s*\}|/\*.*?\*/", "", sheet, flags=re.DOTALL)
    return [" ".join(heading.split()) for heading in re.findall(r"([^{}]+)\{", everywhere)]


def test_what_a_page_names_has_a_rule() -> None:
    styled = set(re.findall(r"\.([a-z][\w-]*)", " ".join(re.findall(r"([^{}]+)\{", SHEET))))
    assert named_in_templates() - styled == WITHOUT_RULES


def test_no_rule_is_written_twice() -> None:
    assert [heading for heading, times in Counter(selectors(SHEET)).items() if times > 1] == []
