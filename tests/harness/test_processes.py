"""Processes under test: readiness, signals, exit and what they used."""

import sys
from pathlib import Path

import pytest

from tests.harness.processes import ServiceProcess, StartFailedError, free_port, running

_SERVER = """
import http.server, signal, sys
class Ok(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
ballast = bytearray(50_000_000)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
sum(n * n for n in range(2_000_000))
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Ok).serve_forever()
"""


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def server(tmp_path: Path, port: int) -> ServiceProcess:
    return _process(_SERVER, str(port), log=tmp_path / "log")


async def test_it_is_ready_when_it_answers(server: ServiceProcess, port: int) -> None:
    async with running(server, f"http://127.0.0.1:{port}/"):
        assert server.is_running


async def test_what_is_left_of_it_is_killed(server: ServiceProcess, port: int) -> None:
    async with running(server, f"http://127.0.0.1:{port}/"):
        pass
    assert not server.is_running
    assert (await server.until_exit()).code == -9


async def test_its_own_exit_code_is_seen_after_sigterm(server: ServiceProcess, port: int) -> None:
    async with running(server, f"http://127.0.0.1:{port}/"):
        server.terminate()
        assert (await server.until_exit()).code == 3


async def test_a_paused_process_ends_only_once_it_is_resumed(server: ServiceProcess, port: int) -> None:
    async with running(server, f"http://127.0.0.1:{port}/"):
        server.pause()
        server.terminate()
        with pytest.raises(TimeoutError):
            await server.until_exit(within_seconds=0.1)
        server.resume()
        assert (await server.until_exit()).code == 3


async def test_a_start_that_fails_shows_the_log(tmp_path: Path) -> None:
    broken = _process("raise SystemExit('no such setting')", log=tmp_path / "log")
    with pytest.raises(StartFailedError, match="no such setting"):
        async with running(broken, f"http://127.0.0.1:{free_port()}/"):
            pass


async def test_its_cpu_seconds_are_known_in_life_and_after_death(server: ServiceProcess, port: int) -> None:
    async with running(server, f"http://127.0.0.1:{port}/"):
        alive = server.cpu_seconds()
    assert alive > 0.05
    assert server.cpu_seconds() >= alive - 0.02  # /proc rounds to ticks


async def test_its_memory_is_known(server: ServiceProcess, port: int) -> None:
    async with running(server, f"http://127.0.0.1:{port}/"):
        resident = server.resident_bytes()  # first: it may grow meanwhile
        assert server.peak_resident_bytes() >= resident > 50_000_000


async def test_it_can_be_started_again(server: ServiceProcess, port: int) -> None:
    async with running(server, f"http://127.0.0.1:{port}/"):
        first = server.pid
        await server.kill()
        server.start()
        await server.until_ready(f"http://127.0.0.1:{port}/")
        assert server.pid != first


def _process(code: str, *arguments: str, log: Path) -> ServiceProcess:
    return ServiceProcess([sys.executable, "-c", code, *arguments], environment={}, log=log)
