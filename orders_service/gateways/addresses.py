"""Which IP addresses an outgoing call may reach: public ones, and what the operator has opened."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

LOOPBACK: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))

_BLOCKED: tuple[Network, ...] = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",  # shared by carriers, and by clusters
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",  # documentation
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",
            "240.0.0.0/4",
            "2001::/32",  # Teredo: holds two IPv4 addresses, one of them masked
            "2001:db8::/32",  # documentation
            "3fff::/20",  # documentation
        ),
    )
)
# All that is public in IPv6 lies in here; ::, ::1, fc00::/7, fe80::/10, ff00::/8 and 64:ff9b:1::/48 do not.
_PUBLIC_IPV6 = IPv6Network("2000::/3")
# With how many bits follow the IPv4 address that such an address stands for.
_EMBEDDINGS = (
    (IPv6Network("::/96"), 0),
    (IPv6Network("::ffff:0:0/96"), 0),
    (IPv6Network("64:ff9b::/96"), 0),  # NAT64
    (IPv6Network("2002::/16"), 80),  # 6to4
)
# These give credentials to whoever asks: a range that happens to hold one does not open it.
_METADATA: frozenset[Address] = frozenset(map(ip_address, ("169.254.169.254", "100.100.100.200", "fd00:ec2::254")))


def is_open(address: Address, allow: Sequence[Network] = ()) -> bool:
    """Whether this address may be called; an embedded IPv4 address is judged as what it stands for."""
    forms = _forms(address)
    opened_by = [network for network in allow if any(form in network for form in forms)]
    if not _METADATA.isdisjoint(forms):
        return any(network.num_addresses == 1 for network in opened_by)
    return bool(opened_by) or _is_public(forms[-1])


def _forms(address: Address) -> tuple[Address, ...]:
    """The address without its zone, and last the IPv4 address that it embeds, if any."""
    if isinstance(address, IPv4Address):
        return (address,)
    bare = IPv6Address(int(address))
    embedded = [IPv4Address((int(bare) >> shift) & 0xFFFFFFFF) for network, shift in _EMBEDDINGS if bare in network]
    return (bare, *embedded)


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address not in _PUBLIC_IPV6:
        return False
    return not any(address in network for network in _BLOCKED)
