"""The networks of a container daemon in memory: names and addresses are had once, and one that is in use stays."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from attrs import define, field

from nanoclaw.sandboxes.docker_api import ConflictError, NotThereError, RefusedError
from nanoclaw.sandboxes.docker_network_api import FoundNetwork, NetworkId
from nanoclaw.sandboxes.docker_network_client import read_labels


@define(eq=False, kw_only=True)
class FakeNetworks(ABC):
    """What a daemon knows of networks."""

    nets: dict[NetworkId, dict[str, Any]] = field(factory=dict[NetworkId, dict[str, Any]])
    tamper_net: Callable[[dict[str, Any]], None] | None = None
    """Changes what it makes of a request."""
    most_nets: int = 0
    """How many there were at one time."""

    @abstractmethod
    async def _answer(self, request: str) -> None: ...

    async def create_network(self, body: Mapping[str, object]) -> None:
        await self._answer("create_network")
        made = copy.deepcopy({key: value for key, value in body.items() if key != "CheckDuplicate"})
        if any(one["Name"] == made["Name"] for one in self.nets.values()):
            raise ConflictError(f"network with name {made['Name']} already exists")
        if any(one["IPAM"]["Config"] == made["IPAM"]["Config"] for one in self.nets.values()):  # type: ignore[index]  # a JSON object
            raise RefusedError("Pool overlaps with other one on this address space")
        if self.tamper_net is not None:
            self.tamper_net(made)
        self.nets[NetworkId(f"net-{len(self.nets)}-{made['Name']}")] = {**made, "Containers": {}}
        self.most_nets = max(self.most_nets, len(self.nets))

    async def network(self, name: str) -> FoundNetwork:
        await self._answer("network")
        for identity, one in self.nets.items():
            if name in (identity, one["Name"]):
                return _found(identity, one)
        raise NotThereError(f"network {name} not found")

    async def networks(self, labels: Mapping[str, str]) -> tuple[FoundNetwork, ...]:
        await self._answer("networks")
        return tuple(
            _found(identity, one) for identity, one in self.nets.items() if labels.items() <= one["Labels"].items()
        )

    async def remove_network(self, network: NetworkId) -> None:
        await self._answer("remove_network")
        if network not in self.nets:
            raise NotThereError(f"network {network} not found")
        if self.nets[network]["Containers"]:
            raise RefusedError("network has active endpoints")
        del self.nets[network]

    def join(self, container: str, name: str, document: Mapping[str, Any]) -> None:
        """A container is on the network that it was made for."""
        mode = document["HostConfig"]["NetworkMode"]
        if mode in ("none", "bridge"):
            return
        for one in self.nets.values():
            if one["Name"] == mode:
                one["Containers"][container] = {"Name": name}
                return
        raise NotThereError(f"network {mode} not found")

    def leave(self, container: str) -> None:
        """It is gone."""
        for one in self.nets.values():
            one["Containers"].pop(container, None)


def _found(identity: NetworkId, one: dict[str, Any]) -> FoundNetwork:
    return FoundNetwork(id=identity, labels=read_labels(one["Labels"]), document=copy.deepcopy(one))
