"""`orders runs`: background work, looked at and steered."""

from collections.abc import Callable

import typer

from orders_service.commands.run_actions import cancel, replay, retry
from orders_service.commands.run_views import list_runs, show_run, why
from orders_service.commands.run_watching import watch

runs = typer.Typer(help="Background work: look at it, and steer it.", no_args_is_help=True)

_COMMANDS: dict[str, Callable[..., None]] = {
    "list": list_runs,
    "show": show_run,
    "why": why,
    "watch": watch,
    "retry": retry,
    "cancel": cancel,
    "replay": replay,
}
for _name, _command in _COMMANDS.items():
    runs.command(_name)(_command)
