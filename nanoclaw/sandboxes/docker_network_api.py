"""What is asked of a container daemon about networks; what can come of it is as in `docker_api.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NewType, Protocol

from attrs import frozen

from nanoclaw.core.sandbox_settle import Labels
from nanoclaw.sandboxes.docker_api import ContainerApi

NetworkId = NewType("NetworkId", str)


@frozen(kw_only=True)
class FoundNetwork:
    """A network as the daemon describes it."""

    id: NetworkId
    labels: Labels
    document: Mapping[str, object]


class NetworkApi(Protocol):
    """The requests. Each may raise `NoAnswerError`, and is a checkpoint; see `ContainerApi`."""

    async def create_network(self, body: Mapping[str, object]) -> None:
        """Make one. Raises `ConflictError` if the name is taken, `RefusedError`, as if its addresses are."""
        ...

    async def network(self, name: str) -> FoundNetwork:
        """Look at it, by name or id. Raises `NotThereError`."""
        ...

    async def networks(self, labels: Mapping[str, str]) -> tuple[FoundNetwork, ...]:
        """Every network with these labels. Who is on them is not said."""
        ...

    async def remove_network(self, network: NetworkId) -> None:
        """Remove it. Raises `NotThereError`, `ConflictError` or `RefusedError` if somebody is on it."""
        ...


class DockerApi(ContainerApi, NetworkApi, Protocol):
    """All that the docker engine asks."""
