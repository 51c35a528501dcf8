"""The guard of all outgoing HTTP: where a call may go is judged when it is configured, and again at every connect."""

import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import NewType

import aiohttp
from aiohttp import AddrInfoType
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from orders_service.gateways.addresses import Address, Network, is_open
from orders_service.gateways.errors import DestinationRefused
from orders_service.gateways.names import NameResolver

Destination = NewType("Destination", URL)
"""A URL that a guard has admitted; a gateway takes nothing else."""

# Shorter than servers keep an idle connection (uvicorn: 5 s), so that we seldom send into one that is being closed.
KEEP_ALIVE_SECONDS = 4.0
CONNECT_SECONDS = 10.0
TOTAL_SECONDS = 30.0
LOOKUPS = 32  # at once: more than the endpoints that one owner may have, so no one's DNS takes them all
LONGEST_NAME, LONGEST_PART = 253, 63  # DNS has no longer ones


class Guard:
    """Refuses what is not public: `allow` opens ranges of addresses, `allow_http` opens the unencrypted scheme."""

    def __init__(self, allow: Sequence[Network] = (), *, allow_http: bool = False) -> None:
        self._allow = tuple(allow)
        self._schemes = {"https", "http"} if allow_http else {"https"}

    def admit(self, url: str) -> Destination:
        """Judge what can be judged without the network: scheme, user info, an address in place of a name."""
        parsed = _parsed(url)
        if parsed.scheme not in self._schemes:
            raise DestinationRefused(f"{origin(parsed)}: the scheme must be {' or '.join(sorted(self._schemes))}")
        if parsed.user is not None or parsed.password is not None:
            raise DestinationRefused(f"{origin(parsed)}: credentials do not belong into a URL")
        host = parsed.raw_host or ""
        address = _literal(host)
        if address:
            self.judge(address, host)
        elif not _can_be_asked_for(host):
            raise DestinationRefused("the host is no name that there could be")
        return Destination(parsed)

    def judge(self, address: Address, host: str) -> None:
        """Raise `DestinationRefused` unless this address, met on the way to `host`, may be called."""
        if not is_open(address, self._allow):
            raise DestinationRefused(f"{host}: not a public address")

    def open_socket(self, address_info: AddrInfoType) -> socket.socket:
        """The one way to a connection: whatever led to this address, it is judged before the first packet."""
        family, kind, protocol, _, address = address_info
        self.judge(ip_address(address[0]), str(address[0]))
        return socket.socket(family, kind, protocol)


class GuardedResolver(AbstractResolver):
    """Refuses a name if any of its addresses is refused: a mixed answer is an attack, or a mistake."""

    def __init__(self, guard: Guard, resolver: AbstractResolver) -> None:
        self._guard = guard
        self._resolver = resolver

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        answers = await self._resolver.resolve(host, port, family)
        if not answers:
            raise OSError(f"{host} has no address")
        for answer in answers:
            self._guard.judge(ip_address(answer["host"]), host)
        return answers

    async def close(self) -> None:
        await self._resolver.close()


@asynccontextmanager
async def open_http_session(
    guard: Guard, *, connections: int = 256, per_host: int = 64, resolver: AbstractResolver | None = None
) -> AsyncIterator[aiohttp.ClientSession]:
    """An HTTP client: every connect is guarded, nothing of an answer is kept, trusted or unpacked.

    It shares neither connections nor the threads that look up names with any other. Its resolver ends with it.
    """
    guarded = GuardedResolver(guard, resolver or NameResolver(threads=LOOKUPS, seconds=CONNECT_SECONDS))
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            limit=connections,
            limit_per_host=per_host,
            keepalive_timeout=KEEP_ALIVE_SECONDS,
            resolver=guarded,
            socket_factory=guard.open_socket,
        ),
        timeout=aiohttp.ClientTimeout(total=TOTAL_SECONDS, sock_connect=CONNECT_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent"),
        auto_decompress=False,
        trust_env=False,
    )
    try:
        async with session:
            yield session
    finally:
        await guarded.close()


def origin(url: URL) -> str:
    """As much of a URL as a log or an error may show."""
    return f"{url.scheme}://{url.host}"


def _parsed(url: str) -> URL:
    try:
        parsed = URL(url)
        host = parsed.host  # decodes it, and may find only now that it cannot
    except ValueError:
        raise DestinationRefused("not a URL") from None  # the parser's own message shows all of it
    if not host:
        raise DestinationRefused("not a URL with a host")
    return parsed


def _literal(host: str) -> Address | None:
    """The address that the host spells, or None for a name. aiohttp asks no resolver about these."""
    bare = host.rstrip(".")
    try:
        address = ip_address(bare)
    except ValueError:
        if _is_legacy_ipv4(bare):
            raise DestinationRefused(f"{host}: write the address as four decimal numbers") from None
        return None
    if bare != host:
        raise DestinationRefused(f"{host}: an address has no trailing dot")
    return address


def _can_be_asked_for(name: str) -> bool:
    """Whether a resolver takes it: no part is empty or too long, and it ends in one dot at most."""
    bare = name.removesuffix(".")
    return len(bare) <= LONGEST_NAME and all(0 < len(part) <= LONGEST_PART for part in bare.split("."))


def _is_legacy_ipv4(host: str) -> bool:
    """Whether the C library would take this for an address: 2130706433, 0x7f.1, 0177.0.0.1, 127.1."""
    try:
        socket.inet_aton(host)
    except (OSError, ValueError):
        return False
    return True
