"""`orders runs retry`, `cancel` and `replay`: one run, or all that match."""

from typing import Annotated

import typer

from orders_service.commands import options
from orders_service.commands.many_runs import steer_all
from orders_service.commands.options import AsJson, Reason, RunOrOrder, Url, Yes, connect, given
from orders_service.commands.run_lookup import find_run, run_path
from orders_service.commands.showing import say, show_json
from orders_service.mendable import Mendable

OneRun = Annotated[
    str | None, typer.Argument(metavar="RUN", help="The id of a run, or of the order that it works for.")
]
All = Annotated[bool, typer.Option("--all", help="All that match what is said of them; of everything, if nothing is.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only count them, and show the first.")]
AtMost = Annotated[int | None, typer.Option("--limit", min=1, help="At most so many of them.")]
Pace = Annotated[float | None, typer.Option(help="So many in a second.")]
Undo = Annotated[bool, typer.Option("--undo", help="Go on with undoing it, where an undo was given up.")]


def retry(
    run: OneRun = None,
    *,
    everything: All = False,
    pipeline: options.Pipeline = None,
    state: options.States = None,
    step: options.Step = None,
    version: options.Version = None,
    error: options.ErrorText = None,
    created_after: options.After = None,
    created_before: options.Before = None,
    limit: AtMost = None,
    pace: Pace = None,
    undo: Undo = False,
    reason: Reason = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Have a dead letter go on where it failed; with --all, all that match.

    All that match are counted and shown first, and retried when that is confirmed, by a run of its own.
    """
    times = given(created_after=created_after, created_before=created_before)
    choice = given(pipeline=pipeline, states=state, step=step, version=version, error=error) | times
    if _is_one(run, everything=everything, for_many=[choice, limit, pace, dry_run]):
        _steer(run, "retry-undo" if undo else "retry", reason, url, as_json=as_json)
        return
    if undo:
        raise Mendable("--undo is for one run.")
    asked = {"filter": choice, **given(reason=reason, limit=limit, pace_per_second=pace)}
    steer_all(connect(url), "retry", asked, dry_run=dry_run, yes=yes, as_json=as_json)


def cancel(
    run: OneRun = None,
    *,
    everything: All = False,
    pipeline: options.Pipeline = None,
    state: options.States = None,
    step: options.Step = None,
    version: options.Version = None,
    error: options.ErrorText = None,
    created_after: options.After = None,
    created_before: options.Before = None,
    limit: AtMost = None,
    reason: Reason = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Have an open run go no further, and undo what it did; with --all, all that match.

    All that match are counted and shown first, and cancelled when that is confirmed, by a run of its own.
    """
    times = given(created_after=created_after, created_before=created_before)
    choice = given(pipeline=pipeline, states=state, step=step, version=version, error=error) | times
    if _is_one(run, everything=everything, for_many=[choice, limit, dry_run]):
        _steer(run, "cancel", reason, url, as_json=as_json)
        return
    asked = {"filter": choice, **given(reason=reason, limit=limit)}
    steer_all(connect(url), "cancel", asked, dry_run=dry_run, yes=yes, as_json=as_json)


def replay(run: RunOrOrder, *, reason: Reason = None, url: Url = None, as_json: AsJson = False) -> None:
    """Start a new run with the input of this one. What belongs to a record, as that of an order does, is refused."""
    _steer(run, "replay", reason, url, as_json=as_json)


_DONE = {
    "retry": "goes on where it failed",
    "retry-undo": "goes on being undone",
    "cancel": "goes no further, and what it did is undone",
    "replay": "has been started with its input",
}


def _is_one(run: str | None, *, everything: bool, for_many: list[object]) -> bool:
    """Whether one run is meant. Nothing is steered because somebody forgot to say what."""
    if run is None and not everything:
        raise Mendable("Name a run, or say --all and which of them.")
    if run is not None and (everything or any(for_many)):
        raise Mendable("Name a run, or say --all and which of them; not both.")
    return run is not None


def _steer(run: str | None, verb: str, reason: str | None, url: str | None, *, as_json: bool) -> None:
    client = connect(url)
    run_id = find_run(client, str(run))["id"]
    accepted = client.call("POST", f"{run_path(run_id)}/{verb}", given(reason=reason))
    if as_json:
        show_json(accepted)
    else:
        say(f"Run {accepted['run']['id']} {_DONE[verb]}. Follow it: orders runs watch {accepted['run']['id']}")
