"""What a host stands on, a machine or a simulated one; and the parts that not every ground has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import trio
from attrs import field, frozen

from nanoclaw.actors.approving import Kind
from nanoclaw.actors.credential_kind import CredentialKind, Decisions
from nanoclaw.actors.credential_requests import CredentialRequests
from nanoclaw.actors.delivery import Delivery
from nanoclaw.actors.egress_desk import EgressDesk
from nanoclaw.actors.listeners import Listeners
from nanoclaw.actors.meters import Meters
from nanoclaw.actors.nets import Nets
from nanoclaw.actors.package_versions import PackageVersions
from nanoclaw.actors.packages_kind import Builder
from nanoclaw.actors.parts import Credentials, Customs, NoWaysOut, Parts, WaysOut
from nanoclaw.admin.kinds import all_kinds
from nanoclaw.config import Config
from nanoclaw.core.endpoints import BadEndpoint, read_endpoint
from nanoclaw.gateway.secrets_file import SecretsFile
from nanoclaw.kit.clock import Clock
from nanoclaw.kit.ids import jitter, mint
from nanoclaw.kit.threads import WORKER_THREADS, Threads, WorkerThreads
from nanoclaw.kit.tree import TreeNode
from nanoclaw.kit.watch import Watch
from nanoclaw.model.approvals import ApprovalKind
from nanoclaw.sandboxes.engine import Engine
from nanoclaw.store.db import Store

MOST_LINKS = 8
"""Threads for the links' files: one session that is locked out of its file must not hold up the others."""


@frozen(kw_only=True)
class Ground:
    """All that reaches beyond the host's own memory, and so all that a simulation has to put in its place."""

    store: Store
    engine: Engine
    customs: Customs
    watch: Watch
    clock: Clock
    ways_out: WaysOut = field(factory=NoWaysOut)
    credentials: Credentials | None = None
    """OneCLI's; None: there is none, as with the next."""
    egress: EgressDesk | None = None
    """What sandboxes reach besides their models."""
    decisions: Decisions | None = None
    """OneCLI's requests that wait for somebody's decision."""
    builder: Builder | None = None
    """What builds images for sandboxes; None: they have none."""
    threads: Threads = WORKER_THREADS
    """For what blocks shortly."""
    links: Threads = field(factory=lambda: WorkerThreads(trio.CapacityLimiter(MOST_LINKS)))
    """For files that a sandbox may lock."""
    mint: Callable[[str], str] = mint
    luck: Callable[[], float] = jitter
    """A share of a pause, in [0, 1)."""
    nets: Nets = field(factory=Nets)
    meters: Meters = field(factory=Meters)
    listeners: Listeners = field(factory=Listeners)
    """Who listens to plain messages where; as long as it has not begun, somebody may be anywhere."""


def kinds_on(ground: Ground, parts: Parts) -> Mapping[ApprovalKind, Kind]:
    """What can be approved."""
    kinds = all_kinds(ground.builder, parts.programs)
    if ground.decisions is None:
        return kinds
    return {**kinds, ApprovalKind.CREDENTIAL: CredentialKind(ground.decisions, ground.clock, ground.luck)}


def packages_on(ground: Ground, changed: Callable[[], None], nodes: Mapping[str, TreeNode]) -> PackageVersions | None:
    """What finds out versions of packages; None: sandboxes have no images."""
    if ground.builder is None:
        return None
    return PackageVersions(
        ground.builder, ground.store, ground.clock, changed, nodes["packages"], longest_sleep=ground.nets.sweep
    )


def onecli_on(
    ground: Ground, delivery: Delivery, asked: Callable[[], None], nodes: Mapping[str, TreeNode]
) -> CredentialRequests | None:
    """What hears of the requests that OneCLI holds; None: there is no OneCLI."""
    if ground.decisions is None:
        return None
    return CredentialRequests(
        ground.decisions,
        ground.store,
        ground.clock,
        delivery.nudge,
        asked,
        nodes["onecli"],
        luck=ground.luck,
        mint=ground.mint,
    )


def onecli_of(config: Config, secrets: SecretsFile) -> tuple[Decisions | None, Credentials | None]:
    """What speaks with OneCLI about requests that wait, and about starts; None where there is no server."""
    server = read_endpoint(config.onecli.url)
    if isinstance(server, BadEndpoint):
        return None, None
    # Imported here: HTTP's library takes its time, and most homes have no use for it.
    from nanoclaw.gateway.credentials import Credentials as OneCliCredentials
    from nanoclaw.gateway.onecli import client_for

    client = client_for(config.home, server, project=config.onecli.project, gateway=config.onecli.gateway_url)
    return client, OneCliCredentials(client, secrets.key_for)


class Part(Protocol):
    """A part of the host."""

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Serve until cancelled."""
        ...


async def run_or_rest(part: Part | None, *, task_status: trio.TaskStatus[None]) -> None:
    """Run a part that there is not everywhere; where there is none, its place in the tree rests."""
    if part is not None:
        await part.run(task_status=task_status)
    else:
        task_status.started()
        await trio.sleep_forever()
