"""Waits for a database that somebody else is about to migrate; itself it never migrates."""

import time
from collections.abc import Callable

from sqlalchemy.exc import OperationalError

from orders_service import schema
from orders_service.settings import Settings
from orders_service.starting import advice
from pipelines import JournalTooOld

_PAUSE_SECONDS = 0.5


def until_migrated(settings: Settings, *, patience_seconds: float, tell: Callable[[str], None]) -> None:
    """Return when the schema is that of this release, or newer. Raises what is in the way still when patience ends.

    A database that does not answer is waited for too: where everything starts at once it may be the last.
    """
    deadline, told = time.monotonic() + patience_seconds, None
    while True:
        try:
            return schema.check(settings.database_url.get_secret_value())
        except (JournalTooOld, OperationalError) as error:
            if time.monotonic() >= deadline:
                raise
            if (obstacle := advice(error)) is not None and obstacle != told:
                tell(obstacle)
                told = obstacle
        time.sleep(_PAUSE_SECONDS)
