"""The host's actors, made and introduced to each other on the ground they stand on: a machine, or a simulated one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial

import trio
from attrs import field, frozen

from nanoclaw.actors.admission import Admission
from nanoclaw.actors.approvals import Approvals
from nanoclaw.actors.approving import Kind
from nanoclaw.actors.credential_kind import CredentialKind, Decisions
from nanoclaw.actors.credential_requests import CredentialRequests
from nanoclaw.actors.delivery import Delivery
from nanoclaw.actors.ingress import Ingress
from nanoclaw.actors.nets import Nets
from nanoclaw.actors.parts import Credentials, Customs, Folders, NoWaysOut, Parts, SessionTimes, WaysOut
from nanoclaw.actors.retention import Retention
from nanoclaw.actors.sessions import Sessions
from nanoclaw.actors.sweep import Chore, Sweep
from nanoclaw.admin.kinds import ALL_KINDS, handlers
from nanoclaw.channels.base import Channel
from nanoclaw.composing.places import names_in
from nanoclaw.config import Config
from nanoclaw.core.delivery import DeliveryPolicy
from nanoclaw.core.mounts import CheckMounts
from nanoclaw.core.retry import RetryPolicy
from nanoclaw.core.told import HomeSettings, tell
from nanoclaw.kit.clock import Clock
from nanoclaw.kit.ids import jitter, mint
from nanoclaw.kit.restart import RestartPolicy
from nanoclaw.kit.supervisor import ChildSpec, supervise
from nanoclaw.kit.threads import WORKER_THREADS, Threads, WorkerThreads
from nanoclaw.kit.tree import TreeNode
from nanoclaw.kit.watch import Watch
from nanoclaw.model.approvals import ApprovalKind
from nanoclaw.model.ids import ChannelName
from nanoclaw.sandboxes.available import own_image
from nanoclaw.sandboxes.engine import Engine
from nanoclaw.store.db import Store

CHANNEL_RESTARTS = RestartPolicy(intensity=5, period=300.0, first_delay=1.0, longest_delay=60.0)
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
    decisions: Decisions | None = None
    """OneCLI's requests that wait for somebody's decision."""
    threads: Threads = WORKER_THREADS
    """For what blocks shortly."""
    links: Threads = field(factory=lambda: WorkerThreads(trio.CapacityLimiter(MOST_LINKS)))
    """For files that a sandbox may lock."""
    mint: Callable[[str], str] = mint
    luck: Callable[[], float] = jitter
    """A share of a pause, in [0, 1)."""
    nets: Nets = field(factory=Nets)


@frozen(kw_only=True)
class House:
    """The actors. Each has a `run` of its own; `app.serve` says in which order they live."""

    channels: Mapping[ChannelName, Channel]
    ingress: Ingress
    sessions: Sessions
    delivery: Delivery
    approvals: Approvals
    onecli: CredentialRequests | None
    sweep: Sweep
    admission: Admission
    node: TreeNode
    """The channels' place in the tree."""

    @property
    def threaded(self) -> dict[ChannelName, bool]:
        """Which channels have threads."""
        return _threaded(self.channels)

    def changed(self) -> None:
        """Somebody changed the truth: every link may have news, and something may be due."""
        self.sessions.show_all()
        self.approvals.look()
        self.sweep.look()

    async def run_onecli(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Hear of the requests that OneCLI holds, if there is one, until cancelled."""
        if self.onecli is not None:
            await self.onecli.run(task_status=task_status)
        else:
            task_status.started()
            await trio.sleep_forever()

    async def run_channels(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Hear all channels until cancelled, each restarted by itself."""
        receive, ready = self.ingress.receive, self.delivery.ready
        await supervise(
            *(
                ChildSpec(id=name, run=partial(channel.run, receive, ready=partial(ready, name)))
                for name, channel in self.channels.items()
            ),
            policy=CHANNEL_RESTARTS,
            node=self.node,
            task_status=task_status,
        )


def build(
    config: Config,
    ground: Ground,
    channels: Sequence[Channel],
    nodes: Mapping[str, TreeNode],
    *,
    check_mounts: CheckMounts,
    kinds: Mapping[ApprovalKind, Kind] = ALL_KINDS,
) -> House:
    """Make the actors of *config*'s home; nothing runs yet.

    Args:
      config: The settings.
      ground: What they stand on.
      channels: All there are.
      nodes: The places in the tree, by name.
      check_mounts: Judges the mounts of one agent group.
      kinds: What can be approved.
    """
    folders = Folders(home=config.home)
    by_name = {channel.name: channel for channel in channels}
    told_to_all = HomeSettings(
        provider=config.agent.provider,
        timezone=config.agent.timezone,
        compact_window=config.agent.compact_window,
    )
    delivery = Delivery(
        ground.store,
        ground.clock,
        folders.spool,
        by_name,
        # Sessions and delivery nudge each other; mail is all that passes between them.
        lambda session: sessions.show(session),  # noqa: PLW0108 - sessions is made below
        nodes["delivery"],
        policy=DeliveryPolicy(
            most_attempts=config.retry.most_attempts, first_pause=config.retry.delivery_pause_seconds
        ),
        nets=ground.nets,
        luck=ground.luck,
        lost=lambda: approvals.look(),  # noqa: PLW0108 - it is made below
        threads=ground.threads,
    )
    admission = Admission(
        most=config.sandbox.most_running,
        least_free=config.sandbox.least_free_memory_percent / 100,
        threads=ground.threads,
    )
    parts = Parts(
        store=ground.store,
        customs=ground.customs,
        engine=ground.engine,
        watch=ground.watch,
        clock=ground.clock,
        folders=folders,
        nudge=delivery.nudge,
        image=lambda place: own_image(ground.engine, place.settings),
        check_mounts=check_mounts,
        told=lambda place: tell(told_to_all, place.agent_group, place.settings),
        timezone=config.agent.timezone,
        ways_out=ground.ways_out,
        credentials=ground.credentials,
        drafts=delivery.drafts.offer,
        # Sessions reach each other, too, by mail alone.
        wake=lambda session: sessions.wake(session),  # noqa: PLW0108 - sessions is made below
        show=lambda session: sessions.show(session),  # noqa: PLW0108 - sessions is made below
        mail=config.mail_policy,
        # Sessions lean on the sweep only by mail, and it on them.
        due=lambda: asked(),  # noqa: PLW0108 - it is made below
        requests=handlers(threaded=lambda: _threaded(by_name), mint=ground.mint),
        shown=lambda: sessions.show_all(),  # noqa: PLW0108 - sessions is made below
        retry=RetryPolicy(
            most_tries=config.retry.most_tries,
            first_pause=timedelta(seconds=config.retry.first_pause_seconds),
        ),
        stuck=config.stuck,
        times=SessionTimes(patience=config.patience),
        admission=admission,
        nets=ground.nets,
        mint=ground.mint,
        disk=ground.links,
        threads=ground.threads,
    )
    sessions = Sessions(parts, nodes["sessions"])
    retention = Retention(
        store=ground.store,
        clock=ground.clock,
        folders=folders,
        threads=ground.threads,
        policy=config.kept,
        seconds=ground.nets.retention,
    )
    approvals = Approvals(
        ground.store,
        ground.clock,
        by_name,
        kinds if ground.decisions is None else {**kinds, **_credential_kind(ground.decisions, ground)},
        delivery.nudge,
        lambda: done(),  # noqa: PLW0108 - it is made below
        nodes["approvals"],
        longest_sleep=ground.nets.sweep,
        mint=ground.mint,
        folders=partial(names_in, folders.agents),
        threads=ground.threads,
    )
    sweep = Sweep(
        ground.store,
        ground.clock,
        sessions.wake,
        delivery.nudge,
        nodes["sweep"],
        [Chore("overdue", ground.nets.sweep, parts.overdue.look), *retention.chores()],
        longest_sleep=ground.nets.sweep,
    )

    def asked() -> None:
        approvals.look()
        sweep.look()

    def done() -> None:
        sessions.show_all()
        sweep.look()

    ingress = Ingress(
        ground.store,
        ground.clock,
        folders.spool,
        _threaded(by_name),
        sessions.wake,
        sessions.show,
        delivery.nudge,
        asked=asked,
        mint=ground.mint,
        threads=ground.threads,
    )
    return House(
        channels=by_name,
        ingress=ingress,
        sessions=sessions,
        delivery=delivery,
        approvals=approvals,
        onecli=_onecli(ground, delivery, asked, nodes),
        sweep=sweep,
        admission=admission,
        node=nodes["channels"],
    )


def _credential_kind(decisions: Decisions, ground: Ground) -> Mapping[ApprovalKind, Kind]:
    kind = CredentialKind(decisions, ground.clock, ground.luck)
    return {kind.name: kind}


def _onecli(
    ground: Ground, delivery: Delivery, asked: Callable[[], None], nodes: Mapping[str, TreeNode]
) -> CredentialRequests | None:
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


def _threaded(channels: Mapping[ChannelName, Channel]) -> dict[ChannelName, bool]:
    return {name: channel.threaded for name, channel in channels.items()}
