"""What a watcher sees of a run that waits, or says how far it has come."""

import sys
from typing import Any

import pytest

from orders_service.commands.run_following import Bar, Lines
from orders_service.server_events import ServerEvent
from tests.builders.terminal import Screen


def attempt(step: str, **fields: Any) -> ServerEvent:
    data = {"step": step, "attempt": 1, "kind": "do", "outcome": "success", "error": None}
    return ServerEvent("attempt", "1", {**data, "finished_at": "2026-11-28T12:00:00.5Z", **fields})


def standing(state: str, step: str = "count", progress: Any = None, **fields: Any) -> ServerEvent:
    data = {"state": state, "step": step, "progress": progress, "error": None, "due_at": None, "finished_at": None}
    return ServerEvent("run", "2", data | fields)


def said_of(*events: ServerEvent) -> list[str]:
    lines: list[str] = []
    view = Lines(lines.append)
    for event in events:
        view.show(event)
    return lines


def test_what_failed_and_until_when_it_waits_is_said() -> None:
    assert said_of(
        attempt("count", outcome="retry", error="Unavailable"),
        standing("waiting", due_at="2026-11-28T12:00:04Z"),
        standing("running"),
    ) == [
        "2026-11-28 12:00:00  count, attempt 1: retry: Unavailable",
        f"{'':19}  waiting at count until 2026-11-28 12:00:04",
    ]


def test_how_far_it_has_come_is_said_when_it_changes() -> None:
    half, all_of_it = {"done": 5, "total": 10, "note": "half"}, {"done": 10, "total": None, "note": None}
    events = [standing("running", progress=each) for each in (half, half, all_of_it)]
    assert [line.strip() for line in said_of(*events)] == ["count: 5 of 10 half", "count: 10"]


def shown_of(monkeypatch: pytest.MonkeyPatch, *events: ServerEvent) -> str:
    """What a terminal was sent, of a run with two steps."""
    screen = Screen()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", screen)
        patch.setenv("TERM", "xterm-256color")
        patch.setenv("COLUMNS", "200")
        with Bar(["count", "keep"]) as bar:
            for event in events:
                bar.show(event)
    return screen.getvalue().removesuffix("\x1b[?25h")  # the cursor is back


def test_a_bar_shows_the_steps_and_how_far_one_has_come(monkeypatch: pytest.MonkeyPatch) -> None:
    progress = {"done": 30, "total": 100, "note": "page \x1b[45m[bold]\u202e"}
    overall, inner = shown_of(monkeypatch, attempt("count"), standing("running", "keep", progress)).splitlines()[-2:]
    assert "running at keep" in overall
    assert "1/2" in overall
    assert r"page \x1b[45m[bold]\u202e" in inner
    assert "30/100" in inner


def test_a_bar_goes_back_while_it_is_undone(monkeypatch: pytest.MonkeyPatch) -> None:
    end = standing("failed", "count", error="too late", finished_at="2026-11-28T12:00:04Z")
    shown = shown_of(monkeypatch, attempt("count"), attempt("count", kind="undo"), end)
    assert "failed: too late" in shown
    assert "0/2" in shown.splitlines()[-1]
