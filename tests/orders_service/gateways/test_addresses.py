"""Which addresses may be called."""

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders_service.gateways.addresses import is_open

CLOSED = [
    *("0.0.0.1", "0.255.255.255", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255"),
    *("127.0.0.1", "127.255.255.255", "169.254.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255"),
    *("192.0.0.1", "192.0.2.1", "192.168.0.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1"),
    *("224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "100.100.100.200"),
    *("::", "::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "100::1"),
    *("2001::1", "2001:db8::1", "3fff::1", "64:ff9b:1::1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "::ffff:0:7f00:1"),
]
OPEN = [
    *("1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0"),
    *("192.0.1.1", "223.255.255.255", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101", "2002:101:101::"),
]
EMBEDDINGS: list[Callable[[int], int]] = [
    lambda ipv4: ipv4,
    lambda ipv4: int(IPv6Address("::ffff:0:0")) | ipv4,
    lambda ipv4: int(IPv6Address("64:ff9b::")) | ipv4,
    lambda ipv4: int(IPv6Address("64:ff9b:1::")) | ipv4,
    lambda ipv4: int(IPv6Address("64:ff9b:1::")) | (ipv4 >> 16) << 64 | (ipv4 & 0xFFFF) << 40,
    lambda ipv4: int(IPv6Address("2002::")) | ipv4 << 80,
    lambda ipv4: int(IPv6Address("2001::")) | ipv4 << 64,
    lambda ipv4: int(IPv6Address("2001::")) | ipv4 ^ 0xFFFFFFFF,
]
BLOCKED_RANGES = [
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24"),
    *("192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4"),
]


@st.composite
def blocked_ipv4(draw: st.DrawFn) -> IPv4Address:
    network = ip_network(draw(st.sampled_from(BLOCKED_RANGES)))
    return IPv4Address(draw(st.integers(int(network[0]), int(network[-1]))))


@pytest.mark.parametrize("address", CLOSED)
def test_what_is_not_public_is_closed(address: str) -> None:
    assert not is_open(ip_address(address))


@pytest.mark.parametrize("address", OPEN)
def test_what_is_public_is_open(address: str) -> None:
    assert is_open(ip_address(address))


@given(address=blocked_ipv4(), embed=st.sampled_from(EMBEDDINGS))
def test_every_embedding_of_a_blocked_address_is_blocked(address: IPv4Address, embed: Callable[[int], int]) -> None:
    assert not is_open(IPv6Address(embed(int(address))))


@pytest.mark.parametrize("address", ["10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::a01:203"])
def test_an_allowed_range_is_open_however_the_address_is_written(address: str) -> None:
    assert is_open(ip_address(address), [ip_network("10.0.0.0/8")])


@pytest.mark.parametrize("address", ["10.1.2.3", "::1", "fd00::1"])
def test_an_allowed_range_opens_nothing_else(address: str) -> None:
    assert not is_open(ip_address(address), [ip_network("10.0.0.0/16"), ip_network("fd00:1::/32")])


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("169.254.169.254", "169.254.0.0/16"),
        ("100.100.100.200", "100.64.0.0/10"),
        ("fd00:ec2::254", "fc00::/7"),
        ("::ffff:169.254.169.254", "::/0"),
    ],
)
def test_a_range_does_not_open_the_metadata_it_holds(address: str, network: str) -> None:
    assert not is_open(ip_address(address), [ip_network(network)])


@pytest.mark.parametrize("address", ["169.254.169.254", "fd00:ec2::254"])
def test_metadata_opens_by_its_very_address(address: str) -> None:
    assert is_open(ip_address(address), [ip_network(address)])
