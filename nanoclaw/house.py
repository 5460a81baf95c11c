"""The host's actors, made and introduced to each other on the ground they stand on: a machine, or a simulated one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial

import trio
from attrs import frozen

from nanoclaw.actors.admission import Admission
from nanoclaw.actors.approvals import Approvals
from nanoclaw.actors.channel_pool import ChannelPool, Threaded
from nanoclaw.actors.credential_requests import CredentialRequests
from nanoclaw.actors.delivery import Delivery
from nanoclaw.actors.ingress import Ingress
from nanoclaw.actors.package_versions import PackageVersions
from nanoclaw.actors.pairing import Pairing
from nanoclaw.actors.parts import Folders, Parts, SessionTimes
from nanoclaw.actors.retention import Retention
from nanoclaw.actors.sessions import Sessions
from nanoclaw.actors.sweep import Chore, Sweep
from nanoclaw.actors.typing import Typing
from nanoclaw.admin.kinds import handlers
from nanoclaw.channels.base import Channel
from nanoclaw.channels.terminal.channel import CHANNEL, CONVERSATION
from nanoclaw.composing.places import names_in
from nanoclaw.config import Config
from nanoclaw.core.delivery import DeliveryPolicy
from nanoclaw.core.mounts import CheckMounts
from nanoclaw.core.retry import RetryPolicy
from nanoclaw.core.told import HomeSettings, tell
from nanoclaw.ground import Ground, kinds_on, onecli_on, packages_on, run_or_rest
from nanoclaw.kit.restart import RestartPolicy
from nanoclaw.kit.supervisor import ChildSpec, supervise
from nanoclaw.kit.tree import TreeNode
from nanoclaw.model.ids import ChannelName, SessionId
from nanoclaw.model.messages import Address
from nanoclaw.sandboxes.available import own_image
from nanoclaw.store.ledger import Lane

CHANNEL_RESTARTS = RestartPolicy(intensity=5, period=300.0, first_delay=1.0, longest_delay=60.0)


@frozen(kw_only=True)
class House:
    """The actors. Each has a `run` of its own; `app.serve` says in which order they live."""

    channels: Mapping[ChannelName, Channel]
    always: Sequence[ChannelName]
    """Those of them that are there in every home."""
    ingress: Ingress
    sessions: Sessions
    pairing: Pairing
    typing: Typing
    delivery: Delivery
    approvals: Approvals
    onecli: CredentialRequests | None
    packages: PackageVersions | None
    sweep: Sweep
    admission: Admission
    added: ChannelPool
    """Runs those of the channels that were added to the home; the others are always there."""
    node: TreeNode
    """The channels' place in the tree."""

    @property
    def threaded(self) -> Mapping[ChannelName, bool]:
        """Which channels have threads, of those that there are whenever it is asked."""
        return Threaded(self.channels)

    def changed(self, wanted: Iterable[SessionId] = ()) -> None:
        """Somebody changed the truth: every link may have news, something may be due, and *wanted* are to go on now."""
        self.sessions.show_all(wanted)
        self.approvals.look()
        self.sweep.look()

    async def run_onecli(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Hear of the requests that OneCLI holds, if there is one, until cancelled."""
        await run_or_rest(self.onecli, task_status=task_status)

    async def run_packages(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Find out versions of packages, if sandboxes have images, until cancelled."""
        await run_or_rest(self.packages, task_status=task_status)

    async def run_channels(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Hear all channels until cancelled, each restarted by itself."""
        receive, ready = self.ingress.receive, self.delivery.ready
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.typing.run)
            await nursery.start(self.added.run)
            await nursery.start(
                partial(
                    supervise,
                    *(
                        ChildSpec(id=name, run=partial(self.channels[name].run, receive, ready=partial(ready, name)))
                        for name in self.always
                    ),
                    policy=CHANNEL_RESTARTS,
                    node=self.node,
                )
            )
            task_status.started()


def build(
    config: Config,
    ground: Ground,
    channels: Sequence[Channel],
    nodes: Mapping[str, TreeNode],
    *,
    check_mounts: CheckMounts,
    added: Sequence[Channel] = (),
) -> House:
    """Make the actors of *config*'s home; nothing runs yet.

    Args:
      config: The settings.
      ground: What they stand on.
      channels: Those that are there in every home; if one of them cannot be heard, there is no host.
      nodes: The places in the tree, by name.
      check_mounts: Judges the mounts of one agent group.
      added: The others.
    """
    folders = Folders(home=config.home)
    by_name = {channel.name: channel for channel in [*channels, *added]}
    threaded = Threaded(by_name)
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
        meters=ground.meters,
    )
    admission = Admission(
        most=config.sandbox.most_running,
        least_free=config.sandbox.least_free_memory_percent / 100,
        threads=ground.threads,
    )
    typing = Typing(ground.store, by_name, lambda session: sessions.progress(session))  # noqa: PLW0108 - made below

    def say(lanes: Iterable[Lane]) -> None:
        lanes = tuple(lanes)
        typing.said(lanes)
        delivery.nudge(lanes)

    parts = Parts(
        store=ground.store,
        customs=ground.customs,
        engine=ground.engine,
        watch=ground.watch,
        clock=ground.clock,
        folders=folders,
        nudge=say,
        working=typing.look,
        image=lambda place: own_image(ground.engine, place.settings),
        check_mounts=check_mounts,
        told=lambda place: tell(told_to_all, place.agent_group, place.settings),
        timezone=config.agent.timezone,
        ways_out=ground.ways_out,
        credentials=ground.credentials,
        egress=ground.egress,
        drafts=delivery.drafts.offer,
        over=delivery.over,
        # Sessions reach each other, too, by mail alone.
        wake=lambda session: sessions.wake(session),  # noqa: PLW0108 - sessions is made below
        show=lambda session: sessions.show(session),  # noqa: PLW0108 - sessions is made below
        mail=config.mail_policy,
        due=lambda: asked(),  # noqa: PLW0108 - it is made below
        requests=handlers(
            threaded=lambda: threaded,
            mint=ground.mint,
            engine=ground.engine.name,
            images=ground.builder is not None,
        ),
        shown=lambda: sessions.show_all(),  # noqa: PLW0108 - sessions is made below
        retry=RetryPolicy(
            most_tries=config.retry.most_tries,
            first_pause=timedelta(seconds=config.retry.first_pause_seconds),
        ),
        stuck=config.stuck,
        times=SessionTimes(patience=config.patience),
        admission=admission,
        meters=ground.meters,
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
        kinds_on(ground, parts),
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
        if packages is not None:
            packages.look()

    def done() -> None:
        sessions.show_all()
        sweep.look()

    def told() -> None:
        approvals.look()
        done()

    packages = packages_on(ground, told, nodes)
    pairing = Pairing(
        ground.store,
        ground.clock,
        by_name,
        Address(channel=CHANNEL, platform_id=CONVERSATION),
        delivery.nudge,
        told,
        mint=ground.mint,
    )
    ingress = Ingress(
        ground.store,
        ground.clock,
        folders.spool,
        threaded,
        sessions.wake,
        sessions.show,
        delivery.nudge,
        asked=asked,
        pairing=pairing,
        listeners=ground.listeners,
        mint=ground.mint,
        threads=ground.threads,
        meters=ground.meters,
    )
    pool = ChannelPool(by_name, ingress.receive, delivery.ready, nodes["channels"])
    for channel in added:
        pool.add(channel)
    return House(
        channels=by_name,
        always=[channel.name for channel in channels],
        added=pool,
        ingress=ingress,
        pairing=pairing,
        typing=typing,
        sessions=sessions,
        delivery=delivery,
        approvals=approvals,
        onecli=onecli_on(ground, delivery, asked, nodes),
        packages=packages,
        sweep=sweep,
        admission=admission,
        node=nodes["channels"],
    )
