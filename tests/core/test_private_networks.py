"""The network of one sandbox: what is asked for, and what is made of an engine's answer."""

from __future__ import annotations

import copy
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.private_networks import NO_ROUTER, RANGE, Address, PrivateNetwork, Wrong, read_network
from nanoclaw.core.way_choice import SETTINGS, WayOut, ways_to_try
from nanoclaw.model.ids import EpochNumber, SessionId

ALPHA = PrivateNetwork(install="home-1", session=SessionId("alpha"), epoch=EpochNumber(3))
MINE = "nanoclaw-alpha"


def described(network: PrivateNetwork = ALPHA, attempt: int = 0) -> dict[str, Any]:
    """What a daemon says of a network that is as it was asked for."""
    body: dict[str, Any] = copy.deepcopy(network.body(attempt))
    del body["CheckDuplicate"]
    # As daemons fill it in.
    body["IPAM"]["Options"] = {}
    return {**body, "Id": "4711", "Scope": "local", "Containers": {}, "ConfigOnly": False}


def test_its_name_is_of_its_session_and_epoch_alone() -> None:
    others = [
        PrivateNetwork(install="home-2", session=ALPHA.session, epoch=ALPHA.epoch),
        PrivateNetwork(install="home-1", session=SessionId("beta"), epoch=ALPHA.epoch),
        PrivateNetwork(install="home-1", session=ALPHA.session, epoch=EpochNumber(4)),
    ]
    assert len({ALPHA.name, *(one.name for one in others)}) == 4


@given(st.text(min_size=1, max_size=50), st.integers(0, 10**9), st.integers(0, 7))
def test_its_router_is_nobody_and_its_addresses_are_where_nobody_is_reached(
    session: str, epoch: int, attempt: int
) -> None:
    network = PrivateNetwork(install="home-1", session=SessionId(session), epoch=EpochNumber(epoch))
    found = described(network, attempt)
    (place,) = found["IPAM"]["Config"]
    subnet = IPv4Network(place["Subnet"])
    assert subnet.subnet_of(RANGE)
    machine, router = IPv4Address(place["Gateway"]), IPv4Address(place["AuxiliaryAddresses"][NO_ROUTER])
    assert machine != router
    assert {machine, router} < set(subnet.hosts())
    assert found["Internal"] is True
    assert found["EnableIPv6"] is False
    assert read_network(network, found, MINE) == Address(str(machine))


def test_another_attempt_has_other_addresses() -> None:
    assert len({described(attempt=attempt)["IPAM"]["Config"][0]["Subnet"] for attempt in range(8)}) == 8


def _change(key: str, value: object) -> Callable[[dict[str, Any]], None]:
    return lambda found: found.__setitem__(key, value)


def _place(key: str, value: object) -> Callable[[dict[str, Any]], None]:
    return lambda found: found["IPAM"]["Config"][0].__setitem__(key, value)


@pytest.mark.parametrize(
    "change",
    [
        _change("Internal", False),
        _change("EnableIPv6", True),
        _change("Attachable", True),
        _change("Ingress", True),
        _change("Driver", "macvlan"),
        _change("Options", {}),
        _change("Options", {"com.docker.network.bridge.enable_icc": "true"}),
        _change("Labels", {}),
        _change("Name", "another"),
        _change("IPAM", {}),
        _place("AuxiliaryAddresses", {}),
        _place("Subnet", "10.0.0.0/29"),
        _place("Subnet", "198.19.0.0/24"),
        _place("Subnet", "no address"),
        _place("Gateway", "198.19.0.2"),
        _change("Containers", {"1": {"Name": MINE}, "2": {"Name": "somebody"}}),
        _change("Containers", ["what"]),
    ],
)
def test_whatever_is_another_than_was_asked_for_is_seen(change: Callable[[dict[str, Any]], None]) -> None:
    found = described()
    change(found)
    assert isinstance(read_network(ALPHA, found, MINE), Wrong)


def test_what_newer_engines_spell_out_is_as_it_was_asked_for() -> None:
    found = described()
    found["Options"] |= {"com.docker.network.enable_ipv4": "true", "com.docker.network.enable_ipv6": "false"}
    assert isinstance(read_network(ALPHA, found, MINE), Address)
    found["Options"]["com.docker.network.enable_ipv6"] = "true"
    assert isinstance(read_network(ALPHA, found, MINE), Wrong)


def test_its_own_container_may_be_on_it() -> None:
    found = {**described(), "Containers": {"1": {"Name": MINE, "IPv4Address": "198.19.0.3/29"}}}
    assert isinstance(read_network(ALPHA, found, MINE), Address)


def test_a_socket_comes_first_and_what_is_set_is_all_there_is() -> None:
    assert ways_to_try("auto") == (WayOut.SOCKET, WayOut.NETWORK)
    assert ways_to_try("socket") == (WayOut.SOCKET,)
    assert ways_to_try("network") == (WayOut.NETWORK,)
    assert {way for setting in SETTINGS for way in ways_to_try(setting)} == set(WayOut)
