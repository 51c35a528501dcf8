"""`orders runs list`, `show` and `why`: looking at background work."""

import json
from typing import Any

from orders_service.client import Client, ServiceRefused
from orders_service.commands import options
from orders_service.commands.lists import newest, say_if_there_is_more
from orders_service.commands.options import AsJson, RunOrOrder, Url, connect, given
from orders_service.commands.run_lookup import RUNS, find_run, order_of, run_path
from orders_service.commands.showing import moment, say, show_json, show_table

HEADINGS = ("ID", "PIPELINE", "STATE", "STEP", "ATTEMPT", "CREATED", "ERROR")


def list_runs(
    *,
    pipeline: options.Pipeline = None,
    state: options.States = None,
    step: options.Step = None,
    error: options.ErrorText = None,
    created_after: options.After = None,
    created_before: options.Before = None,
    limit: options.Most = 50,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """List runs, newest first."""
    times = given(created_after=created_after, created_before=created_before)
    which = given(pipeline=pipeline, state=state, step=step, error=error)
    page = newest(connect(url), RUNS, most=limit, **which, **times)
    if as_json:
        show_json(page)
        return
    show_table(HEADINGS, map(summary, page["items"]), empty="There are no such runs.")
    say_if_there_is_more(page)


def summary(run: dict[str, Any]) -> tuple[object, ...]:
    """A row for a run."""
    attempt = run["attempt"] and f"{run['attempt']} of {run['most_attempts'] or '?'}"
    return run["id"], run["pipeline"], run["state"], run["step"], attempt, moment(run["created_at"]), run["error"]


def show_run(run: RunOrOrder, *, url: Url = None, as_json: AsJson = False) -> None:
    """Show a run with all its attempts."""
    found = find_run(connect(url), run)
    if as_json:
        show_json(found)
        return
    for name, value in _facts(found):
        say(f"{name:<10}{value}")
    say("")
    show_table(
        ("STEP", "ATTEMPT", "KIND", "OUTCOME", "STARTED", "FINISHED", "ERROR"),
        map(_attempt, found["attempts"]),
        empty="Nothing has been tried yet.",
    )


def why(run: RunOrOrder, *, url: Url = None, as_json: AsJson = False) -> None:
    """Say in one sentence why a run, or the run of an order, is where it is."""
    client = connect(url)
    try:
        cause = _cause(client, run)
    except ServiceRefused as refused:
        _explain_order(client, order_of(client, run, refused), as_json=as_json)
        return
    if as_json:
        show_json(cause)
    else:
        say(f"Run {run}: {cause['sentence']}")


def _explain_order(client: Client, order: dict[str, Any], *, as_json: bool) -> None:
    """By the run that fulfills it, and by the one that asks it back from the warehouse, if there is one."""
    runs = [link["id"] for link in (order["run"], order["cancellation"]) if link is not None]
    causes = [_cause(client, run_id) for run_id in runs]
    if as_json:
        asked_back = causes[1] if len(causes) > 1 else None
        show_json({"order": order["id"], "status": order["status"], **causes[0], "cancellation": asked_back})
        return
    say(f"Order {order['id']} is {order['status']}. Its run {runs[0]}: {causes[0]['sentence']}")
    for cause in causes[1:]:
        say(f"It is asked back. Run {cause['run']}: {cause['sentence']}")


def _cause(client: Client, run_id: str) -> dict[str, Any]:
    return {"run": run_id, **client.get(f"{run_path(run_id)}/why")}


def _facts(run: dict[str, Any]) -> list[tuple[str, object]]:
    progress = run["progress"]
    facts = [
        ("Run", run["id"]),
        ("Pipeline", f"{run['pipeline']} (version {run['version']})"),
        ("State", run["state"]),
        ("Step", run["step"]),
        ("Progress", progress and " ".join(map(str, filter(None, (progress_of(progress), progress["note"]))))),
        ("Error", run["error"]),
        ("Due", moment(run["due_at"])),
        ("Created", moment(run["created_at"])),
        ("Finished", moment(run["finished_at"])),
        ("Result", run["result"] is not None and json.dumps(run["result"], ensure_ascii=False)),
    ]
    return [(name, value) for name, value in facts if value]


def progress_of(progress: dict[str, Any]) -> str:
    """So many, of so many if that is known."""
    return f"{progress['done']} of {progress['total']}" if progress["total"] is not None else str(progress["done"])


def _attempt(attempt: dict[str, Any]) -> tuple[object, ...]:
    times = moment(attempt["started_at"]), moment(attempt["finished_at"])
    return attempt["step"], attempt["attempt"], attempt["kind"], attempt["outcome"], *times, attempt["error"]
