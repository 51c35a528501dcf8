"""How a run that is watched looks: a bar and what happens above it, lines for a pipe, JSON lines for programs."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any, Protocol, Self

from orders_service.commands.run_news import OPEN
from orders_service.commands.run_views import progress_of
from orders_service.commands.showing import is_terminal, moment, say, show_json, styled
from orders_service.printable import printable
from orders_service.server_events import ServerEvent


class View(AbstractContextManager[Any], Protocol):
    """Shows one run."""

    def show(self, event: ServerEvent) -> None:
        """What has just been told."""


class JsonLines:
    """One line for each event, with the id of the run."""

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def show(self, event: ServerEvent) -> None:
        show_json({"event": event.name, "run": self._run_id, **event.data})


class Lines:
    """One line for each attempt, and for whatever else is worth one."""

    def __init__(self, say: Callable[[str], None] = say) -> None:
        self._say = say
        self._said = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def show(self, event: ServerEvent) -> None:
        if event.name == "attempt":
            self._say(line_of_attempt(event.data))
        elif (line := line_of_standing(event.data)) and line != self._said:
            self._said = line
            self._say(line)


class Bar:
    """A bar over the steps of the run, one for what its step says of its own progress, and attempts above them."""

    def __init__(self, steps: Iterable[str]) -> None:
        from rich.console import Console  # noqa: PLC0415 - only a terminal wants it
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

        self._steps = list(steps)
        self._done: set[str] = set()
        about = TextColumn("{task.description}", markup=False)
        console = Console(highlight=False)
        self._progress = Progress(about, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console)
        self._overall = self._progress.add_task("", total=len(self._steps) or None)
        self._inner: Any = None
        self._lines = Lines(lambda line: console.print(styled(line)))

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, event: ServerEvent) -> None:
        if event.name == "attempt" or event.data["state"] not in {"ready", "running"}:
            self._lines.show(event)
        if event.name == "attempt":
            self._count(event.data)
        else:
            self._stand(event.data)

    def _count(self, attempt: dict[str, Any]) -> None:
        if attempt["outcome"] == "success":
            (self._done.add if attempt["kind"] == "do" else self._done.discard)(attempt["step"])
            self._progress.update(self._overall, completed=len(self._done))

    def _stand(self, run: dict[str, Any]) -> None:
        where = run["state"] if run["state"] not in OPEN else f"{run['state']} at {run['step']}"
        self._progress.update(self._overall, description=printable(where))
        if (progress := run["progress"]) is not None:
            if self._inner is None:
                self._inner = self._progress.add_task("", total=None)
            about = printable(progress["note"] or run["step"])
            self._progress.update(self._inner, description=about, completed=progress["done"], total=progress["total"])


def line_of_attempt(attempt: dict[str, Any]) -> str:
    """When, what, and how it went."""
    step = attempt["step"] if attempt["kind"] == "do" else f"undo of {attempt['step']}"
    error = f": {attempt['error']}" if attempt["error"] else ""
    return f"{moment(attempt['finished_at'])}  {step}, attempt {attempt['attempt']}: {attempt['outcome']}{error}"


def line_of_standing(run: dict[str, Any]) -> str | None:
    """Nothing while it goes from step to step: that is told by the attempts."""
    if run["state"] not in OPEN:
        return f"{moment(run['finished_at'])}  {run['state']}" + (f": {run['error']}" if run["error"] else "")
    if run["state"] == "waiting":
        return f"{'':19}  waiting at {run['step']} until {moment(run['due_at'])}"
    if run["progress"] is not None:
        note = f" {run['progress']['note']}" if run["progress"]["note"] else ""
        return f"{'':19}  {run['step']}: {progress_of(run['progress'])}{note}"
    return None


def view_of(run_id: str, steps: Callable[[], Iterable[str]], *, as_json: bool) -> View:
    """The one that fits."""
    if as_json:
        return JsonLines(run_id)
    return Bar(steps()) if is_terminal() else Lines()
