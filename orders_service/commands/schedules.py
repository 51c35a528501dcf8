"""`orders schedules`: what the service starts by itself."""

from typing import Annotated, Any
from urllib.parse import quote

import typer

from orders_service.commands.options import AsJson, Reason, Url, connect, given
from orders_service.commands.showing import moment, say, show_json, show_table

schedules = typer.Typer(help="What the service starts by itself.", no_args_is_help=True)

PATH = "/v1/schedules"
Name = Annotated[str, typer.Argument(help="As in the list.")]


@schedules.command("list")
def show(*, url: Url = None, as_json: AsJson = False) -> None:
    """List all schedules: when they fire, when next, and how it went last."""
    found = connect(url).get(PATH)
    if as_json:
        show_json(found)
        return
    headings = ("NAME", "STATE", "TRIGGER", "NEXT", "LAST", "LAST RUN", "WHAT")
    show_table(headings, map(_row, found["items"]), empty="There are no schedules.")


@schedules.command()
def trigger(name: Name, *, reason: Reason = None, url: Url = None, as_json: AsJson = False) -> None:
    """Start a run of this schedule now, paused or not. What is planned stays as it is."""
    accepted = _call(url, name, "trigger", reason)
    if as_json:
        show_json(accepted)
    else:
        say(f"Run {accepted['run']['id']} is started. Follow it: orders runs watch {accepted['run']['id']}")


@schedules.command()
def pause(name: Name, *, reason: Reason = None, url: Url = None, as_json: AsJson = False) -> None:
    """Have a schedule fire nothing until it is resumed."""
    paused = _call(url, name, "pause", reason)
    if as_json:
        show_json(paused)
    else:
        say(f"Schedule {paused['name']} is paused.")


@schedules.command()
def resume(name: Name, *, reason: Reason = None, url: Url = None, as_json: AsJson = False) -> None:
    """Have a schedule fire again; what was due meanwhile is not made up for."""
    resumed = _call(url, name, "resume", reason)
    if as_json:
        show_json(resumed)
    else:
        say(f"Schedule {resumed['name']} fires again, next at {moment(resumed['next_fire_at']) or 'no time'}.")


def _call(url: str | None, name: str, verb: str, reason: str | None) -> Any:
    return connect(url).call("POST", f"{PATH}/{quote(name, safe='')}/{verb}", given(reason=reason))


def _row(schedule: dict[str, Any]) -> tuple[object, ...]:
    state = f"paused by {schedule['paused_by']}" if schedule["paused_at"] else "on"
    last = schedule["last_run"] and schedule["last_run"]["state"]
    times = moment(schedule["next_fire_at"]), moment(schedule["last_fire_at"])
    return schedule["name"], state, schedule["trigger"], *times, last, schedule["sentence"]
