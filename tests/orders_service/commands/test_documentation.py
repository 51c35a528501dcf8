"""The page about the command line names every command, and no other exit codes than there are."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from orders_service.cli import cli
from orders_service.commands.run_watching import EXIT_CODES

PAGE = (Path(__file__).parents[3] / "docs" / "cli.md").read_text()


def commands(group: Any, *words: str) -> Iterator[tuple[str, ...]]:
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, *words, name)
        if not hasattr(command, "commands"):
            yield (*words, name)


def is_documented(words: tuple[str, ...]) -> bool:
    """As `runs watch`; or as `pause`, in a row that begins with its group."""
    rows = re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE)
    whole, last = (re.compile(rf"`{said}[` ]") for said in (" ".join(words), words[-1]))
    return any(whole.search(row) or (row.startswith(f"`{words[0]} ") and last.search(row)) for row in rows)


def test_every_command_is_in_the_table() -> None:
    known = list(commands(get_command(cli)))
    assert len(known) > 20
    assert [words for words in known if not is_documented(words)] == []


def test_the_exit_codes_of_a_watch_are_in_the_table() -> None:
    codes = " · ".join(str(code) for code in EXIT_CODES.values() if code)
    assert f"| {codes} | a watched run was rejected · has failed · was cancelled · is quarantined |" in PAGE
