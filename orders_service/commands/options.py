"""What several commands take, and whom they speak with."""

from typing import Annotated, Any

import typer

from orders_service.client import Client, client_for

Url = Annotated[str | None, typer.Option(help="Where the service is. Else ORDERS_API_URL, else on this machine.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]
Reason = Annotated[str | None, typer.Option(help="Why: it is kept with who did it.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Most = Annotated[int, typer.Option("--limit", min=1, help="At most so many, the newest.")]

Pipeline = Annotated[str | None, typer.Option(help="Of this pipeline.")]
States = Annotated[list[str] | None, typer.Option("--state", help="In this state; give it several times.")]
Step = Annotated[str | None, typer.Option(help="That stand at this step, or have stopped there.")]
Version = Annotated[str | None, typer.Option(help="Of this version of the pipeline.")]
ErrorText = Annotated[str | None, typer.Option("--error", help="With this in the reason why they ended.")]
After = Annotated[str | None, typer.Option("--created-after", help="As 2026-11-28T12:00:00Z.")]
Before = Annotated[str | None, typer.Option("--created-before", help="As 2026-11-28T12:00:00Z.")]

RunOrOrder = Annotated[str, typer.Argument(metavar="RUN", help="The id of a run, or of the order that it works for.")]


def connect(url: str | None) -> Client:
    """With the service that is meant."""
    from orders_service.settings import load_access  # noqa: PLC0415 - half a second, which `--help` need not take

    return client_for(load_access(), url)


def given(**values: Any) -> dict[str, Any]:
    """Those that were given."""
    return {name: value for name, value in values.items() if value not in (None, [])}
