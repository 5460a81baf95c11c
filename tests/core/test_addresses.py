"""Addresses are judged by where they lead, also through the addresses that they carry."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.addresses import Ground, judge_address

UNSAID = str(ipaddress.IPv4Address(0))
FOURTH = st.integers(0, 2**32 - 1).map(ipaddress.IPv4Address)


def ground(text: str) -> Ground:
    return judge_address(ipaddress.ip_address(text)).ground


@pytest.mark.parametrize(
    "said",
    [
        *("8.8.8.8", "1.1.1.1", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255"),
        *("2606:4700:4700::1111", "2a00:1450::8a", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1"),
    ],
)
def test_the_world_is_the_world(said: str) -> None:
    assert ground(said) is Ground.WORLD


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        *((Ground.LOOPBACK, one) for one in ("127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1")),
        *((Ground.LOOPBACK, one) for one in ("64:ff9b::127.0.0.1", "2002:7f00:1::")),
        *((Ground.PRIVATE, one) for one in ("10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fd00::1")),
        *((Ground.PRIVATE, one) for one in ("::ffff:10.1.2.3", "64:ff9b::192.168.0.1", "2002:a00:1::", "fec0::1")),
        (Ground.PRIVATE, "2a00:1450::5efe:10.0.0.1"),
        *((Ground.CARRIER, one) for one in ("100.64.0.1", "100.127.255.255", "::ffff:100.64.0.1")),
        *((Ground.LINK_LOCAL, one) for one in ("169.254.169.254", "fe80::1", "::ffff:169.254.169.254")),
        *((Ground.LINK_LOCAL, one) for one in ("64:ff9b::169.254.169.254", "2002:a9fe:a9fe::")),
        *((Ground.LINK_LOCAL, one) for one in ("168.63.129.16", "100.100.100.200", "fd00:ec2::254", "fd20:ce::254")),
        *((Ground.LINK_LOCAL, one) for one in ("::ffff:168.63.129.16", "64:ff9b::168.63.129.16")),
        *((Ground.MULTICAST, one) for one in ("224.0.0.1", "239.255.255.250", "ff02::1", "::ffff:224.0.0.1")),
        *((Ground.NONE, one) for one in (UNSAID, "0.1.2.3", "255.255.255.255", "240.0.0.1", "192.0.0.170", "::")),
        *((Ground.NONE, one) for one in ("192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "192.88.99.1")),
        *((Ground.NONE, one) for one in ("2001:db8::1", "3fff::1", "::127.0.0.1", "::ffff:0:127.0.0.1", "5f00::1")),
        # Teredo: its server, and its client in disguise.
        *((Ground.NONE, one) for one in ("2001:0:7f00:1::1", "2001:0:808:808::80ff:fffe", "64:ff9b:1::8.8.8.8")),
        *((Ground.NONE, one) for one in ("100::1", "4000::1", "::2", "64:ff9c::1")),
    ],
)
def test_what_is_not_the_world_is_known(expected: Ground, said: str) -> None:
    assert ground(said) is expected


def test_the_machines_own_addresses_are_its_own_also_inside_of_others() -> None:
    own = ipaddress.ip_address("8.8.8.8")
    for said in ("8.8.8.8", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::"):
        judged = judge_address(ipaddress.ip_address(said), frozenset({own}))
        assert (judged.ground, judged.address) == (Ground.OWN, own)


@given(FOURTH)
def test_no_address_of_four_is_better_for_being_wrapped(address: ipaddress.IPv4Address) -> None:
    plain = judge_address(address).ground
    number = int(address)
    for wrapped in ((0xFFFF << 32) | number, (0x64FF9B << 96) | number, (0x2002 << 112) | (number << 80)):
        judged = judge_address(ipaddress.IPv6Address(wrapped))
        assert (judged.ground is Ground.WORLD) == (plain is Ground.WORLD)


@given(st.integers(0, 2**128 - 1).map(ipaddress.IPv6Address) | FOURTH)
def test_what_python_calls_not_global_is_not_the_world(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    if judge_address(address).ground is Ground.WORLD:
        assert (mapped or address).is_global
