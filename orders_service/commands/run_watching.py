"""`orders runs watch`: one run until it ends, or all that are open."""

import time
from collections.abc import Iterable
from typing import Annotated, Any

import typer

from orders_service.client import Client, ServiceRefused
from orders_service.commands import options
from orders_service.commands.lists import newest
from orders_service.commands.open_runs import view_of_open_runs
from orders_service.commands.options import AsJson, Url, connect, given
from orders_service.commands.run_following import view_of
from orders_service.commands.run_lookup import RUNS, find_run
from orders_service.commands.run_news import OPEN, news_of
from orders_service.mendable import Mendable

EXIT_CODES = {"completed": 0, "rejected": 3, "failed": 4, "cancelled": 5, "quarantined": 6}

OneRun = Annotated[
    str | None, typer.Argument(metavar="RUN", help="The id of a run, or of the order that it works for; else all.")
]
Every = Annotated[float, typer.Option(min=0.1, help="So many seconds between two looks at all.")]
UntilIdle = Annotated[bool, typer.Option("--until-idle", help="End when none is open.")]


def watch(
    run: OneRun = None,
    *,
    pipeline: options.Pipeline = None,
    every: Every = 1.0,
    until_idle: UntilIdle = False,
    limit: options.Most = 20,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Watch a run until it ends, attempt by attempt; without an id, all that are open.

    Ends with 0 when the run has completed, 3 when it was rejected, 4 failed, 5 cancelled, 6 quarantined. A service that
    is restarted meanwhile is waited for.
    """
    client = connect(url)
    if run is None:
        _watch_all(client, given(pipeline=pipeline), limit, every, until_idle=until_idle, as_json=as_json)
        return
    if pipeline or until_idle:
        raise Mendable("--pipeline and --until-idle are for all runs.")
    raise typer.Exit(_watch_one(client, find_run(client, run), as_json=as_json))


def _watch_one(client: Client, run: dict[str, Any], *, as_json: bool) -> int:
    state = run["state"]
    with view_of(run["id"], lambda: _steps_of(client, run["pipeline"]), as_json=as_json) as view:
        for event in news_of(client, run["id"]):
            view.show(event)
            state = event.data.get("state", state)
    return EXIT_CODES.get(state, 1)


def _steps_of(client: Client, pipeline: str) -> Iterable[str]:
    """Whoever may not see pipelines sees no share of the whole."""
    try:
        listed = client.get("/v1/pipelines")["items"]
    except ServiceRefused:
        return ()
    return [step["name"] for each in listed if each["name"] == pipeline for step in each["steps"]]


def _watch_all(
    client: Client, which: dict[str, str], limit: int, every: float, *, until_idle: bool, as_json: bool
) -> None:
    """Until there are none, or somebody has seen enough."""
    with view_of_open_runs(client, as_json=as_json) as view:
        while True:
            page = newest(client, RUNS, most=limit, state=OPEN, **which)
            view.show(page)
            if until_idle and not page["items"]:
                return
            time.sleep(every)
