"""`orders pipelines`: the kinds of background work, and whether they go on."""

from typing import Annotated, Any
from urllib.parse import quote

import typer

from orders_service.commands.options import AsJson, Reason, Url, connect, given
from orders_service.commands.showing import say, show_json, show_table

pipelines = typer.Typer(help="The kinds of background work.", no_args_is_help=True)

PATH = "/v1/pipelines"
Name = Annotated[str, typer.Argument(help="As in the list.")]


@pipelines.command("list")
def show(*, url: Url = None, as_json: AsJson = False) -> None:
    """List all pipelines: their steps, whether they are paused, how many runs are open or dead letters."""
    found = connect(url).get(PATH)
    if as_json:
        show_json(found)
        return
    headings = ("NAME", "VERSION", "STATE", "RUNS", "STEPS")
    show_table(headings, map(_row, found["items"]), empty="There are no pipelines.")


@pipelines.command()
def pause(
    name: Name,
    *,
    reason: Annotated[str, typer.Option(help="Why: whoever asks why a run waits is told.")],
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Have no step of this pipeline begin. Runs are still started, and wait."""
    paused = _call(url, name, "pause", {"reason": reason})
    if as_json:
        show_json(paused)
    else:
        say(f"Pipeline {paused['name']} is paused. Other processes follow in a second.")


@pipelines.command()
def resume(name: Name, *, reason: Reason = None, url: Url = None, as_json: AsJson = False) -> None:
    """Have a pipeline go on where it stood."""
    resumed = _call(url, name, "resume", given(reason=reason))
    if as_json:
        show_json(resumed)
    else:
        say(f"Pipeline {resumed['name']} goes on.")


def _call(url: str | None, name: str, verb: str, said: dict[str, Any]) -> Any:
    return connect(url).call("POST", f"{PATH}/{quote(name, safe='')}/{verb}", said)


def _row(pipeline: dict[str, Any]) -> tuple[object, ...]:
    pause = pipeline["paused"]
    state = f"paused by {pause['by']} because {pause['reason']}" if pause else "on"
    runs = ", ".join(f"{count} {state}" for state, count in pipeline["runs"].items())
    steps = " > ".join(step["name"] for step in pipeline["steps"])
    return pipeline["name"], pipeline["version"], state, runs, steps
