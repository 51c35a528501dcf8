"""The Celery application: `celery -A orders_service.celery worker` does what `orders work` does, and hears messages."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from celery import Celery, signals

from orders_service.carrying import celery_of
from orders_service.settings import Role, Settings, SettingsError, load
from pipelines import Process
from pipelines.carriers.celery import CANNOT_START, CannotStart, host


def _application() -> Celery:
    try:
        settings = load().model_copy(update={"role": Role.WORKER})
        application = celery_of(settings)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(CANNOT_START)
    host(application, lambda: _hosted(settings), loop_factory=_new_event_loop)
    _log_as_we_do(settings)
    return application


@asynccontextmanager
async def _hosted(settings: Settings) -> AsyncIterator[Process]:
    """The application of `orders work`, with health checks and metrics. Raises `CannotStart` with what to do."""
    from orders_service import serving, starting  # noqa: PLC0415 - `celery inspect` need not wait for it

    try:
        listener = serving.listen(settings.host, settings.port)
        settings = settings.model_copy(update={"port": listener.getsockname()[1]})
        await asyncio.to_thread(starting.check, settings)
    except Exception as error:
        reason = str(error) if isinstance(error, SettingsError) else starting.advice(error)
        if reason is None:
            raise
        raise CannotStart(reason) from error
    async with serving.serving(settings, listener=listener) as process:
        yield process


def _new_event_loop() -> asyncio.AbstractEventLoop:
    from orders_service import serving  # noqa: PLC0415 - as above

    return serving.new_event_loop()


def _log_as_we_do(settings: Settings) -> None:
    """Celery leaves logging alone where somebody sees to it."""

    @signals.setup_logging.connect(weak=False)  # type: ignore[untyped-decorator] # published without types
    def set_up(**_: Any) -> None:
        from orders_service import logs  # noqa: PLC0415 - as above

        logs.configure(settings.log_format, is_production=not settings.is_development)

    @signals.celeryd_init.connect(weak=False)  # type: ignore[untyped-decorator] # as above
    def be_brief(instance: Any, **_: Any) -> None:
        instance.quiet = instance.quiet or not sys.stdout.isatty()  # its banner is for a person at a terminal


app = _application()
