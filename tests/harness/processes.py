"""Server processes that a test starts, kills, pauses and asks for what they used."""

import asyncio
import itertools
import os
import random
import signal
import socket
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from tests.harness import procfs
from tests.harness.births import Born, Wanted, born

START_SECONDS = 120.0  # several at once, on a machine that has other things to do
EXIT_SECONDS = 120.0
_POLL_SECONDS = 0.02
_NOT_GIVEN_OUT = range(10_000, 32_768)  # whoever asks for any port gets a higher one
_MOST_WORKERS = 32


class StartFailedError(AssertionError):
    """The process ended, or its deadline came, before it was ready; the end of its log says why."""


@dataclass(frozen=True)
class Exit:
    """How a process ended, and what it used in its life, with the children it waited for."""

    code: int  # as subprocess has it: -9 after a SIGKILL
    cpu_seconds: float


class ServiceProcess:
    """A server, one incarnation at a time: start() again after its end is its restart."""

    def __init__(
        self, command: Sequence[str], *, environment: Mapping[str, str], log: Path, folder: Path | None = None
    ) -> None:
        self.command = list(command)
        self.environment = dict(environment)
        self.log = log
        self.folder = folder
        self._exit: asyncio.Future[Exit]
        self._born: Born

    def start(self) -> None:
        """Start it and do not wait; its output is appended to the log."""
        self._born = born(Wanted(self.command, self.environment, self.log, self.folder))
        self._exit = asyncio.get_running_loop().create_future()
        # A thread of its own: wait4 alone tells what a process used, and an executor would run out of threads.
        threading.Thread(target=self._reap, args=[asyncio.get_running_loop()], daemon=True).start()

    @property
    def pid(self) -> int:
        return self._born.pid

    @property
    def is_running(self) -> bool:
        return not self._exit.done()

    async def until_ready(self, url: str, *, within_seconds: float = START_SECONDS) -> None:
        """Return when `url` answers 200."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as http:
            try:
                async with asyncio.timeout(within_seconds):
                    while not await _answers_ok(http, url):
                        self._must_run()
                        await asyncio.sleep(_POLL_SECONDS)
            except TimeoutError:
                raise StartFailedError(f"not ready after {within_seconds} s:\n{self.log_end()}") from None

    async def until_exit(self, *, within_seconds: float = EXIT_SECONDS) -> Exit:
        """Return when it has ended by itself or by an earlier signal; TimeoutError if it does not."""
        return await asyncio.wait_for(asyncio.shield(self._exit), within_seconds)

    async def kill(self) -> Exit:
        """SIGKILL: no handler runs, nothing is flushed. Harmless when it has ended already."""
        self._signal(signal.SIGKILL)
        return await self.until_exit()

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def interrupt(self) -> None:
        """What Ctrl-C sends."""
        self._signal(signal.SIGINT)

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def nudge(self) -> None:
        """For what is planted in it."""
        self._signal(signal.SIGUSR1)

    def cpu_seconds(self) -> float:
        """User and system time so far, also after its end."""
        return self._exit.result().cpu_seconds if self._exit.done() else procfs.cpu_seconds(self.pid)

    def resident_bytes(self) -> int:
        return procfs.resident_bytes(self.pid)

    def peak_resident_bytes(self) -> int:
        """The most memory it ever held; ask before it ends: wait4 would count the memory of who started it."""
        return procfs.peak_resident_bytes(self.pid)

    def log_end(self, lines: int = 30) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def _must_run(self) -> None:
        if self._exit.done():
            raise StartFailedError(f"ended with {self._exit.result().code}:\n{self.log_end()}")

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):  # it has just been reaped, and the loop has not been told
            if self.is_running:
                os.kill(self.pid, number)

    def _reap(self, loop: asyncio.AbstractEventLoop) -> None:
        ended = Exit(*self._born.wait())
        loop.call_soon_threadsafe(self._exit.set_result, ended)


@asynccontextmanager
async def running(process: ServiceProcess, ready_url: str) -> AsyncIterator[ServiceProcess]:
    """Start it, wait until it is ready, and kill what is left of it afterwards."""
    process.start()
    try:
        await process.until_ready(ready_url)
        yield process
    finally:
        await process.kill()


def free_port() -> int:
    """Find a port of the loopback that nobody listens on now. None that the system gives to others meanwhile."""
    return next(port for port in _ports if _is_free(port))


def _own_ports() -> Iterator[int]:
    """In any order: other tests may be at work on this machine. No other worker of ours has them."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    ours = _NOT_GIVEN_OUT[worker % _MOST_WORKERS :: _MOST_WORKERS]
    return itertools.cycle(random.sample(ours, len(ours)))


_ports = _own_ports()


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


async def _answers_ok(http: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with http.get(url) as answer:
            return answer.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False
