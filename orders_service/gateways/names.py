"""Names are looked up in threads of their own: whose DNS hangs takes none that anything else is waiting for."""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor

from aiohttp.abc import AbstractResolver, ResolveResult

_NUMERIC = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV

_Found = list[ResolveResult]


class NameResolver(AbstractResolver):
    """Asks the system, with `threads` at most and for `seconds`; raises `TimeoutError` after them.

    Not the event loop's own threads: those are few, and the journal and the health of the process are read with them.
    A lookup cannot be stopped, so one that hangs keeps its thread; whoever asks for the same name waits for the same.
    """

    def __init__(self, *, threads: int, seconds: float) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="names")
        self._seconds = seconds
        self._under_way: dict[tuple[str, int, socket.AddressFamily], asyncio.Future[_Found]] = {}

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC) -> _Found:
        lookup = self._lookup(host, port, family)
        await asyncio.wait([lookup], timeout=self._seconds)
        if not lookup.done():
            raise TimeoutError(f"{host}: no answer from DNS")
        return lookup.result()

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _lookup(self, host: str, port: int, family: socket.AddressFamily) -> asyncio.Future[_Found]:
        asked = (host, port, family)
        if (under_way := self._under_way.get(asked)) is not None:
            return under_way
        lookup = asyncio.get_running_loop().run_in_executor(self._threads, _look_up, host, port, family)
        self._under_way[asked] = lookup

        def forget(ended: asyncio.Future[_Found]) -> None:
            del self._under_way[asked]
            if not ended.cancelled():
                ended.exception()  # seen: those who asked may all have gone

        lookup.add_done_callback(forget)
        return lookup


def _look_up(host: str, port: int, family: socket.AddressFamily) -> _Found:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family, flags=socket.AI_ADDRCONFIG)
    return [
        ResolveResult(hostname=host, host=str(place[0]), port=port, family=kind, proto=protocol, flags=_NUMERIC)
        for kind, _, protocol, _, place in found
    ]
