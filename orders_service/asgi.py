"""The application for a server of your own: `uvicorn --factory orders_service.asgi:create --workers 2`.

`orders serve` is the usual way; this one is for several processes behind one port, on PostgreSQL.
"""

import multiprocessing
import os
import signal
import sys
from pathlib import Path

from fastapi import FastAPI

from orders_service import logs, starting
from orders_service.app import create_app
from orders_service.registries import FOLDER
from orders_service.settings import Settings, SettingsError, load
from pipelines.journal import lock_of, parse_url

CANNOT_START = 3  # so says uvicorn, whose supervisor then does not try again
_ONE_PROCESS = "One SQLite file has one process: leave --workers away, or use PostgreSQL."
_NO_FOLDER = (
    "Several workers count together in a folder that is new at each start: "
    f"{FOLDER}=$(mktemp -d) uvicorn --factory orders_service.asgi:create --workers 2"
)


def create() -> FastAPI:
    """Make the application from the environment, or end the process with a sentence that says what is wrong."""
    try:
        settings = load()
        logs.configure(settings.log_format, is_production=not settings.is_development)
        _check(settings)
        return create_app(settings, on_failure=lambda _: os.kill(os.getpid(), signal.SIGTERM), hear_signals=True)
    except SettingsError as error:
        reason: str | None = str(error)
    except Exception as error:
        reason = starting.advice(error)
        if reason is None:
            raise
    sys.stderr.write(f"{reason}\n")
    sys.exit(CANNOT_START)


def _check(settings: Settings) -> None:
    if _is_one_of_several():
        if lock_of(parse_url(settings.database_url.get_secret_value())) is not None:
            raise SettingsError(_ONE_PROCESS)
        if not Path(os.environ.get(FOLDER) or "/no/folder").is_dir():
            raise SettingsError(_NO_FOLDER)
    starting.check(settings)


def _is_one_of_several() -> bool:
    """Whether a supervisor has started this process, but not to reload it."""
    return multiprocessing.parent_process() is not None and "--reload" not in sys.argv
