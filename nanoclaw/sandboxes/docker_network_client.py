"""The requests about networks, as docker-py makes them; and what is said of labels, there and of containers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from nanoclaw.core.sandbox_settle import Labels
from nanoclaw.core.sandbox_spec import EPOCH_LABEL, INSTALL_LABEL, SESSION_LABEL, SPEC_LABEL
from nanoclaw.model.ids import EpochNumber, SessionId
from nanoclaw.sandboxes.docker_network_api import FoundNetwork, NetworkId

T = TypeVar("T")


class NetworkRequests(ABC):
    """Made by whoever can ask."""

    @abstractmethod
    async def ask(self, request: Callable[[Any], T]) -> T:
        """What *request* makes of docker-py's client. Raises `RequestError`."""

    async def create_network(self, body: Mapping[str, Any]) -> None:
        """Make one."""
        await self.ask(
            lambda client: client.create_network(
                body["Name"],
                driver=body["Driver"],
                options=body["Options"],
                ipam=body["IPAM"],
                check_duplicate=body["CheckDuplicate"],
                internal=body["Internal"],
                labels=body["Labels"],
                enable_ipv6=body["EnableIPv6"],
                attachable=body["Attachable"],
                ingress=body["Ingress"],
            )
        )

    async def network(self, name: str) -> FoundNetwork:
        """Look at it."""
        return _network(await self.ask(lambda client: client.inspect_network(name)))

    async def networks(self, labels: Mapping[str, str]) -> tuple[FoundNetwork, ...]:
        """Every network with these labels."""
        found = await self.ask(lambda client: client.networks(filters={"label": label_filter(labels)}))
        return tuple(map(_network, found))

    async def remove_network(self, network: NetworkId) -> None:
        """Remove it."""
        await self.ask(lambda client: client.remove_network(network))


def label_filter(labels: Mapping[str, str]) -> list[str]:
    """These labels, as the daemon wants to hear them."""
    return [f"{name}={value}" for name, value in labels.items()]


def read_labels(found: Mapping[str, str]) -> Labels:
    """What the labels of something say."""
    session, epoch = found.get(SESSION_LABEL), found.get(EPOCH_LABEL, "")
    return Labels(
        install=found.get(INSTALL_LABEL),
        session=None if session is None else SessionId(session),
        epoch=EpochNumber(int(epoch)) if epoch.isdecimal() and epoch.isascii() else None,
        spec=found.get(SPEC_LABEL),
    )


def _network(found: Mapping[str, Any]) -> FoundNetwork:
    return FoundNetwork(id=NetworkId(found["Id"]), labels=read_labels(found.get("Labels") or {}), document=found)
