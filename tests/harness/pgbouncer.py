"""A PgBouncer of a test's own, between its processes and its database, where one is installed."""

import asyncio
import os
import pwd
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
from sqlalchemy import URL, make_url

from tests.harness.processes import START_SECONDS, ServiceProcess, free_port

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}{os.pathsep}/usr/sbin")
_POLL_SECONDS = 0.02


class PgBouncer:
    """Pools transactions: after each COMMIT a client's next one may meet another backend."""

    def __init__(self, upstream: URL, folder: Path, extra: Sequence[str] = (), *, size: int = 4) -> None:
        self._upstream = upstream
        self._port = free_port()
        self._folder = folder
        (folder / "users.txt").write_text(f'"{upstream.username}" ""\n')
        (folder / "pgbouncer.ini").write_text("\n".join(self._configuration(extra, size)))
        command = [PGBOUNCER or "", *self._as_somebody(), str(folder / "pgbouncer.ini")]
        self._process = ServiceProcess(command, environment={}, log=folder / "log")

    def _configuration(self, extra: Sequence[str], size: int) -> list[str]:
        at = self._upstream
        host, port = at.query.get("host", at.host), at.port or 5432
        return [
            "[databases]",
            f"* = host={host} port={port} user={at.username}",
            "[pgbouncer]",
            "listen_addr = 127.0.0.1",
            f"listen_port = {self._port}",
            "unix_socket_dir =",
            "pool_mode = transaction",
            f"default_pool_size = {size}",
            "auth_type = trust",
            f"auth_file = {self._folder / 'users.txt'}",
            *extra,
            "",
        ]

    def _as_somebody(self) -> list[str]:
        """It refuses to run as root. Whoever has the server's socket may open it."""
        if os.geteuid() != 0:
            return []
        sockets = Path(str(self._upstream.query.get("host", "")))
        user = pwd.getpwuid(sockets.stat().st_uid) if sockets.is_absolute() else pwd.getpwnam("nobody")
        for path in (self._folder, *self._folder.iterdir()):
            os.chown(path, user.pw_uid, user.pw_gid)
        return ["-u", user.pw_name]

    @property
    def bare_url(self) -> str:
        """Without the word that says what stands there."""
        url = self._upstream.set(host="127.0.0.1", port=self._port, query={"sslmode": "disable"})
        return url.render_as_string(hide_password=False)

    @property
    def url(self) -> str:
        return f"{self.bare_url}&pgbouncer=true"

    async def start(self) -> None:
        self._process.start()
        async with asyncio.timeout(START_SECONDS):
            while not await asyncio.to_thread(self._answers):  # noqa: ASYNC110 - another process
                await asyncio.sleep(_POLL_SECONDS)

    async def kill(self) -> None:
        """SIGKILL: its clients' connections break, and so do those to the server, in whatever they were doing."""
        await self._process.kill()

    def _answers(self) -> bool:
        try:
            with psycopg.connect(self.bare_url, connect_timeout=2, prepare_threshold=None):
                return True
        except psycopg.OperationalError:
            return False


@asynccontextmanager
async def pgbouncer(upstream_url: str, *extra: str, size: int = 4) -> AsyncIterator[PgBouncer]:
    """Before this database, as long as the test needs it; `extra` are more lines of its configuration."""
    with tempfile.TemporaryDirectory(prefix="pgb-") as folder:
        bouncer = PgBouncer(make_url(upstream_url), Path(folder), extra, size=size)
        try:
            await bouncer.start()
            yield bouncer
        finally:
            await bouncer.kill()
