"""How all open runs look: a table that changes, or a line for each change."""

from contextlib import AbstractContextManager
from typing import Any, Protocol, Self

from orders_service.client import Client
from orders_service.commands.run_lookup import run_path
from orders_service.commands.run_views import HEADINGS, summary
from orders_service.commands.showing import GAP, is_terminal, say, show_json, table_of


class OpenRuns(AbstractContextManager[Any], Protocol):
    """Shows the runs that are open."""

    def show(self, page: dict[str, Any]) -> None:
        """Those that are open now."""


class Changes:
    """A line for each run that is new or has moved, and for each that has ended."""

    def __init__(self, client: Client, *, as_json: bool) -> None:
        self._client = client
        self._as_json = as_json
        self._shown: dict[str, Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def show(self, page: dict[str, Any]) -> None:
        now = {run["id"]: run for run in page["items"]}
        if page["next"] is None:  # else it may only have left the page
            for run_id in self._shown.keys() - now.keys():
                self._say(self._shown[run_id] | self._ended(run_id))
        for run_id, run in now.items():
            if run != self._shown.get(run_id):
                self._say(run)
        self._shown = now

    def _ended(self, run_id: str) -> dict[str, Any]:
        run = self._client.get(run_path(run_id))
        return {**{name: run[name] for name in ("state", "step", "error", "finished_at")}, "attempt": None}

    def _say(self, run: dict[str, Any]) -> None:
        if self._as_json:
            show_json(run)
        else:
            say(GAP.join(str(cell) for cell in summary(run) if cell))


class LiveTable:
    """One table, drawn again and again."""

    def __init__(self) -> None:
        from rich.console import Console  # noqa: PLC0415 - only a terminal wants it
        from rich.live import Live  # noqa: PLC0415

        self._live = Live(console=Console(highlight=False), auto_refresh=False)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def show(self, page: dict[str, Any]) -> None:
        table = table_of(HEADINGS, map(summary, page["items"]))
        count = f"{len(page['items'])}{' of more' if page['next'] else ''} open"
        table.title, table.title_justify = count, "left"
        self._live.update(table, refresh=True)


def view_of_open_runs(client: Client, *, as_json: bool) -> OpenRuns:
    """The one that fits."""
    return LiveTable() if is_terminal() and not as_json else Changes(client, as_json=as_json)
