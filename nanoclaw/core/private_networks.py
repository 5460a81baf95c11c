"""A network of one sandbox alone, on which it finds its gateway where a unix socket does not reach it. Pure.

The network has no way on, whatever the engine makes of `Internal`, which it only upholds with the machine's packet
filter: its router is an address that nobody has, and nobody on it may become somebody else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from ipaddress import IPv4Network
from itertools import islice

from attrs import frozen

from nanoclaw.core.sandbox_spec import EPOCH_LABEL, INSTALL_LABEL, SESSION_LABEL, container_name
from nanoclaw.model.ids import EpochNumber, SessionId

RANGE = IPv4Network("198.19.0.0/16")
"""Half of what is set apart for measurements (RFC 2544): nobody is reached there."""
PREFIX = 29
MOST_ATTEMPTS = 8
"""Of its addresses another network of this machine may have some already."""
NO_ROUTER = "DefaultGatewayIPv4"
"""Docker's word for the address that is everybody's way on."""
SPELT_OUT = {"com.docker.network.enable_ipv4": "true", "com.docker.network.enable_ipv6": "false"}
"""Options that engines from 28 on add."""
APART = "com.docker.network.bridge.enable_icc"


@frozen(kw_only=True)
class PrivateNetwork:
    """Which network. Its name and labels say whose it is; its addresses, which attempt has made it."""

    install: str
    session: SessionId
    epoch: EpochNumber

    @property
    def name(self) -> str:
        """One for each epoch."""
        return f"{container_name(self.install, self.session)}-{self.epoch}"

    @property
    def labels(self) -> Mapping[str, str]:
        """What it is found by."""
        return {INSTALL_LABEL: self.install, SESSION_LABEL: self.session, EPOCH_LABEL: str(self.epoch)}

    def body(self, attempt: int) -> dict[str, object]:
        """The request that makes it; another attempt has other addresses."""
        words = "\0".join((self.name, str(attempt)))
        places = RANGE.num_addresses >> (32 - PREFIX)
        number = int(hashlib.sha256(words.encode()).hexdigest(), 16) % places
        first = RANGE.network_address + (number << (32 - PREFIX))
        return _body(self, IPv4Network((first, PREFIX)))


@frozen
class Address:
    """The network is as it was asked for, and the machine has this address on it."""

    text: str


@frozen
class Wrong:
    """It is another one than was asked for."""

    why: str


def read_network(wanted: PrivateNetwork, document: Mapping[str, object], mine: str) -> Address | Wrong:
    """What an engine says of *wanted*: its machine's address there, or what is wrong with it.

    Args:
      wanted: Which network.
      document: The engine's whole description.
      mine: The name of the only container that may be on it.
    """
    subnet = _subnet(document)
    if subnet is None:
        return Wrong("its addresses are others")
    differences = [
        key
        for key, asked in _body(wanted, subnet).items()
        if key != "CheckDuplicate" and _plain(document.get(key)) not in _as_engines_say(key, _plain(asked))
    ]
    if differences:
        return Wrong(f"{', '.join(differences)} is not as it was asked for")
    there = document.get("Containers") or {}
    others = [one for one in _values(there) if not (isinstance(one, Mapping) and one.get("Name") == mine)]
    if others:
        return Wrong("another container is on it")
    return Address(str(subnet.network_address + 1))


def _body(network: PrivateNetwork, subnet: IPv4Network) -> dict[str, object]:
    machine, nobody = map(str, islice(subnet.hosts(), 2))
    addresses = {"Subnet": str(subnet), "Gateway": machine, "AuxiliaryAddresses": {NO_ROUTER: nobody}}
    return {
        "Name": network.name,
        "CheckDuplicate": True,
        "Driver": "bridge",
        "Internal": True,
        "Attachable": False,
        "Ingress": False,
        "EnableIPv6": False,
        "IPAM": {"Driver": "default", "Config": [addresses]},
        "Options": {APART: "false"},
        "Labels": dict(network.labels),
    }


def _subnet(document: Mapping[str, object]) -> IPv4Network | None:
    match document.get("IPAM"):
        case {"Config": [{"Subnet": str(text)}]}:
            try:
                subnet = IPv4Network(text)
            except ValueError:
                return None
            return subnet if subnet.prefixlen == PREFIX and subnet.subnet_of(RANGE) else None
        case _:
            return None


def _plain(value: object) -> object:
    """Without what says nothing, as engines leave it out or fill it in."""
    if isinstance(value, Mapping):
        return {key: found for key, one in value.items() if (found := _plain(one))}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value


def _as_engines_say(key: str, asked: object) -> tuple[object, ...]:
    """What was asked for, and the same as newer engines spell it out."""
    if key == "Options" and isinstance(asked, Mapping):
        return asked, {**asked, **SPELT_OUT}
    return (asked,)


def _values(found: object) -> tuple[object, ...]:
    return tuple(found.values()) if isinstance(found, Mapping) else (found,)
