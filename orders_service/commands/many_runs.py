"""All runs that match are steered at once: counted and shown first, and then only if somebody says so."""

import sys
from typing import Any

import typer

from orders_service.client import Client
from orders_service.commands.run_lookup import RUNS
from orders_service.commands.run_views import HEADINGS, summary
from orders_service.commands.showing import note, say, show_json, show_table
from orders_service.mendable import Mendable


def steer_all(client: Client, verb: str, asked: dict[str, Any], *, dry_run: bool, yes: bool, as_json: bool) -> None:
    """`verb` is retry or cancel; `asked` is what the service takes, without `dry_run`."""
    path = f"{RUNS}/{verb}"
    preview = client.call("POST", path, {**asked, "dry_run": True})
    if as_json and dry_run:
        show_json(preview)
        return
    _show(preview, verb, asked.get("limit"), aside=as_json)
    if dry_run or not preview["count"]:
        if as_json:
            show_json({"run": None})
        return
    if not yes:
        _see_that_it_is_meant(verb)
    accepted = client.call("POST", path, asked)
    if as_json:
        show_json(accepted)
    else:
        say(f"Run {accepted['run']['id']} does it. Follow it: orders runs watch {accepted['run']['id']}")


def _show(preview: dict[str, Any], verb: str, limit: int | None, *, aside: bool) -> None:
    """`aside`: where it does not mix with the answer for a program."""
    count, sample = preview["count"], preview["sample"]
    show_table(HEADINGS, map(summary, sample), empty=f"There are none to {verb}.", err=aside)
    if not count:
        return
    tell = note if aside else say
    number = f"{count:,}{' or more' if preview['is_more'] else ''} {'run' if count == 1 else 'runs'}"
    shown = f", of which these are the oldest {len(sample)}" if count > len(sample) else ""
    few = f"; at most {limit:,} of them are meant" if limit is not None and limit < count else ""
    tell(f"There {'is' if count == 1 else 'are'} {number} to {verb}{shown}{few}.")


def _see_that_it_is_meant(verb: str) -> None:
    if not sys.stdin.isatty():
        raise Mendable("Nobody is here to confirm it: say --yes.")
    typer.echo(f"{verb.capitalize()} all of them? [y/N] ", err=True, nl=False)
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):
        typer.echo(err=True)  # they have left, and the cursor stands behind the question
    if answer.strip().lower() not in {"y", "yes"}:
        raise typer.Abort
