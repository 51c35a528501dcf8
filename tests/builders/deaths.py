"""A process that dies at a COMMIT, as the fault points `before_commit` and `after_commit_before_ack` say."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum, auto
from unittest.mock import patch

from sqlalchemy import Connection

from pipelines.committer.faults import commit as really_commit


class Moment(Enum):
    BEFORE_COMMIT = auto()
    AFTER_COMMIT = auto()  # before anybody is told


class Died(BaseException):
    """Raised in the committer's thread, which ends the process's writing for good."""


class Death:
    """Says when it has happened, and how many COMMITs there were."""

    def __init__(self) -> None:
        self.commits = 0
        self.happened = asyncio.Event()

    def notice(self, _: str) -> None:
        """For `on_failure`."""
        self.happened.set()


@contextmanager
def dying(death: Death, *, at: int, moment: Moment) -> Iterator[None]:
    """The COMMIT of this number, counted from here on, is the last thing that any process does."""

    def commit(connection: Connection) -> None:
        death.commits += 1
        if death.commits == at and moment is Moment.BEFORE_COMMIT:
            raise Died
        really_commit(connection)
        if death.commits == at:
            raise Died

    with patch("pipelines.committer.writer.commit", commit):
        yield
