"""The command line `orders`."""

import io
import json
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from typer.exceptions import TyperException

from orders_service import commands
from orders_service.mendable import Mendable
from orders_service.printable import printable

if TYPE_CHECKING:  # `--help` need not wait for what only some commands want
    from orders_service.settings import Settings

cli = typer.Typer(
    name="orders",
    help="Takes orders and sees each through.",
    epilog="Ends with 0 when it is done, 1 when the answer is no, 2 when it could not be asked, 130 after Ctrl-C; "
    "runs watch says by its code how the run has ended, serve ends with 70 when it has to be started anew.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
config = typer.Typer(help="What is set.", no_args_is_help=True)
cli.add_typer(config, name="config")
for _name in commands.__all__:
    cli.add_typer(getattr(commands, _name), name=_name)

NOT_WELL = 1
CANNOT_START = 2

AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]


def main() -> NoReturn:
    """Run a command; what a person can mend is told in a sentence, without a traceback."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal that lacks a letter is shown its escape
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = cli(standalone_mode=False)
    except Mendable as error:
        _refuse(str(error), error.exit_code)
    except TyperException as error:  # the words make no command
        _refuse(_with_hint(error), error.exit_code)
    except typer.Abort:
        _refuse("Nothing was done.", NOT_WELL)
    sys.exit(code)


@cli.command()
def serve(
    *,
    prepare: Annotated[
        bool, typer.Option(help="Migrate first, and offer a small catalog if there is none; for development.")
    ] = False,
) -> None:
    """Serve requests and carry runs on, as ORDERS_ROLE says."""
    from orders_service.settings import load  # noqa: PLC0415 - other commands need not wait for it

    _serve(load(), prepare=prepare)


@cli.command()
def work() -> None:
    """Carry runs on, and serve health checks and metrics only."""
    from orders_service.settings import Role, load  # noqa: PLC0415 - as above

    _serve(load().model_copy(update={"role": Role.WORKER}), prepare=False)


def _serve(settings: "Settings", *, prepare: bool) -> NoReturn:
    from orders_service import logs, serving, starting  # noqa: PLC0415 - as above

    logs.configure(settings.log_format, is_production=not settings.is_development)
    with _told():
        listener = serving.listen(settings.host, settings.port)
        settings = settings.model_copy(update={"port": listener.getsockname()[1]})
        starting.prepare(settings) if prepare else starting.check(settings)
    if settings.is_development:
        typer.echo(starting.welcome(settings))
    sys.exit(serving.serve(settings, listener=listener))


@cli.command(context_settings={"ignore_unknown_options": True})  # -1 is none
def migrate(
    to: Annotated[str, typer.Argument(help="`head`; `-1` goes back by one, `base` to nothing.")] = "head",
    *,
    as_json: AsJson = False,
) -> None:
    """Bring the database's schema up to date. Safe when several start it at once."""
    from orders_service import schema  # noqa: PLC0415 - alembic is slow to import
    from orders_service.settings import load  # noqa: PLC0415 - as above

    with _told():
        schema.migrate(load().database_url.get_secret_value(), to=to)
    if as_json:
        typer.echo(json.dumps({"schema": to}))
    else:
        typer.echo("The schema is up to date." if to == "head" else f"The schema is at {to}.")


@cli.command()
def wait(
    patience: Annotated[float, typer.Option(min=0, help="So many seconds at most.")] = 600.0,
) -> None:
    """Wait until the database has the schema of this release, or a newer one; for what starts beside a migration.

    Ends with 2 when patience does, and says what is in the way.
    """
    from orders_service import waiting  # noqa: PLC0415 - as above
    from orders_service.settings import load  # noqa: PLC0415 - as above

    with _told():
        waiting.until_migrated(load(), patience_seconds=patience, tell=lambda line: typer.echo(line, err=True))
    typer.echo("The schema is up to date.")


@cli.command()
def seed(
    catalog: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A JSON list of products; else a small one.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Add products that are not there yet, with their stock."""
    from orders_service import starting  # noqa: PLC0415 - as above
    from orders_service.settings import load  # noqa: PLC0415 - as above

    with _told():
        added = starting.seed(load(), catalog)
    typer.echo(json.dumps({"added": added}) if as_json else f"{added} products added.")


@cli.command()
def check(
    *,
    as_json: AsJson = False,
    most_read: Annotated[int, typer.Option(min=1, help="Of each version, read the input of so many runs.")] = 1000,
) -> None:
    """Before a deploy: list the open runs that this release could not carry on. Ends with 1 if there are any.

    It only reads, and works before the migration, beside any release, and under a role that may only read.
    """
    from orders_service import preflight  # noqa: PLC0415 - as above
    from orders_service.settings import load  # noqa: PLC0415 - as above

    with _told():
        found = preflight.examine(load(), most_read=most_read)
    typer.echo(preflight.as_json(found) if as_json else preflight.as_text(found))
    sys.exit(0 if found.is_well else NOT_WELL)


@cli.command()
def openapi() -> None:
    """Print the HTTP contract, as openapi.json has it."""
    from orders_service.openapi import written  # noqa: PLC0415 - as above

    typer.echo(written(), nl=False)


@cli.command()
def demo(*, as_json: AsJson = False) -> None:
    """Show a crash: post orders, kill the server in the middle, start it again, and count every effect.

    In a folder of its own, which is removed, and in half a minute. Ends with 1 if anything was lost or had twice.
    """
    from orders_service import demo as play  # noqa: PLC0415 - as above

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(NOT_WELL))  # else the server would be left behind
    evidence = play.tell(lambda line: typer.echo(f"  {line}", err=as_json))
    wrong = play.flaws(evidence)
    if as_json:
        typer.echo(json.dumps({"count": play.summed_up(evidence), "wrong": wrong}))
    else:
        for line in wrong:
            typer.secho(f"  {line}", bold=True)
        verdict = f"{len(wrong)} of these {'is' if len(wrong) == 1 else 'are'} WRONG" if wrong else play.ALL_WELL
        typer.secho(f"{play.summed_up(evidence)}: {verdict}.", bold=True)
    sys.exit(NOT_WELL if wrong else 0)


@config.command()
def show(*, as_json: AsJson = False) -> None:
    """Show all settings; secrets are masked."""
    from orders_service.settings import PREFIX, load  # noqa: PLC0415 - as above

    settings = {f"{PREFIX}{name.upper()}": value for name, value in load().model_dump().items()}
    if as_json:
        typer.echo(json.dumps({name: None if value is None else _written(value) for name, value in settings.items()}))
        return
    for name, value in settings.items():
        typer.echo(f"{name}={_written(value)}")


def _written(value: object) -> str:
    """As it would be set."""
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return "" if value is None else str(value)


class _told:  # noqa: N801 - reads as a sentence
    """Tells what a person can mend, and ends with a code that says so."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if error is None:
            return
        from orders_service import starting  # noqa: PLC0415 - as above

        if (advice := starting.advice(error)) is not None:
            _refuse(advice)


def _with_hint(error: TyperException) -> str:
    """Where to read on; nothing if help has been shown instead."""
    message, context = error.format_message(), getattr(error, "ctx", None)
    if not message or context is None:
        return message
    return f"{message}{'' if message.endswith(('.', '?')) else '.'} See: {context.command_path} --help"


def _refuse(message: str, exit_code: int = CANNOT_START) -> NoReturn:
    for line in message.splitlines():
        typer.echo(printable(line), err=True)
    sys.exit(exit_code)
