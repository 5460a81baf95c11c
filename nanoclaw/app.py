"""The composition root: every part of the host, and the tree they live in, written down once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path

import attrs
import structlog
import trio
from attrs import frozen

from nanoclaw.actors.admission import Admission
from nanoclaw.actors.delivery import Delivery
from nanoclaw.actors.ingress import Ingress
from nanoclaw.actors.parts import Folders, Parts, SessionTimes
from nanoclaw.actors.sessions import Sessions
from nanoclaw.actors.spool_sweep import swept
from nanoclaw.actors.sweep import Sweep
from nanoclaw.admin.server import AdminServer, Look, Office
from nanoclaw.channels.base import Channel
from nanoclaw.channels.terminal.channel import CHANNEL, CONVERSATION, SENDER, TerminalChannel, operator_name
from nanoclaw.channels.terminal.frames import Welcome
from nanoclaw.composing.extra_mounts import ExtraMounts
from nanoclaw.config import Config
from nanoclaw.core.delivery import DeliveryPolicy
from nanoclaw.core.retry import RetryPolicy
from nanoclaw.core.told import HomeSettings, tell
from nanoclaw.kit.clock import SystemClock
from nanoclaw.kit.ids import mint
from nanoclaw.kit.restart import RestartPolicy
from nanoclaw.kit.supervisor import ChildSpec, Service, supervise
from nanoclaw.kit.tree import TreeNode
from nanoclaw.kit.watch import DirectoryWatch
from nanoclaw.link.standing import CustomsByStanding
from nanoclaw.model.ids import SessionId
from nanoclaw.sandboxes.available import all_engines, own_image
from nanoclaw.sandboxes.choice import Choice, choose
from nanoclaw.sandboxes.docker import DockerSettings
from nanoclaw.sandboxes.engine import Engine
from nanoclaw.store.db import Database, open_database
from nanoclaw.store.entities import install_id
from nanoclaw.store.figures import figures
from nanoclaw.store.home import make_folders
from nanoclaw.store.settings import open_networks
from nanoclaw.store.setup import Operator, first_start

log = structlog.get_logger()

TREE = (
    "store",
    "spool",
    "watch",
    "customs",
    "engine",
    "sessions",
    "delivery",
    "sweep",
    "admin",
    "channels",
    "announcement",
)
"""The host's parts, each leaning only on those before it: started in this order, stopped in the reverse."""

CHANNEL_RESTARTS = RestartPolicy(intensity=5, period=300.0, first_delay=1.0, longest_delay=60.0)


@frozen(kw_only=True)
class Started:
    """What a host says once it is ready."""

    config: Config
    choice: Choice
    first_start: bool
    """Was the home empty?"""
    watch: str
    """How commits are noticed: `inotify`, or `polling` and why."""
    open_networks: tuple[str, ...] = ()
    """The agent groups whose sandboxes reach whatever this machine does."""


MoreChannels = Callable[[], Sequence[Channel]]


async def serve(
    config: Config,
    *,
    announce: Callable[[Started], None],
    engines: Callable[[], Sequence[Engine]] | None = None,
    more_channels: MoreChannels = tuple,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Be the host of *config*'s home, which the caller holds, until cancelled.

    Args:
      config: The settings.
      announce: Told once everything is up.
      engines: Makes the engines to choose from, the strongest first; None for all there are.
      more_channels: Makes the channels besides the terminal.
      task_status: Told at the same moment as *announce*.

    Raises:
      SandboxError: no engine works here.
      StoreError: nanoclaw.db cannot be used.
      ExceptionGroup: a part failed more often than its supervisor forgives.

    Cancellation: drains. Channels stop first, so nothing arrives; sends finish or stay `sending`; sandboxes are
    stopped and their last words absorbed; the store closes last.
    """
    await trio.to_thread.run_sync(make_folders, config.home)
    clock = SystemClock()
    folders = Folders(home=config.home)
    async with open_database(config.database) as store, swept(store, folders.spool) as spool:
        is_first = await store.transact(
            first_start,
            agent=config.agent.name,
            operator=Operator(user=SENDER, name=operator_name(), channel=CHANNEL, platform_id=CONVERSATION),
            mint=mint,
            now=clock.now(),
        )
        install = await store.transact(install_id, fresh=mint("home"), now=clock.now())
        there_are = await all_engines(docker_settings(config, install)) if engines is None else engines()
        choice = await choose(there_are, config.sandbox.engine)
        log.info("host_starts", install=install, engine=choice.engine.name, first_start=is_first)
        root = TreeNode("nanoclaw")
        watch = DirectoryWatch(probe_in=config.home / "run")
        customs = CustomsByStanding()
        nodes = {name: root.child(name) for name in TREE}
        welcome = Welcome(agent=config.agent.name, sandbox=choice.engine.name, provider=config.agent.provider)
        extra_mounts = ExtraMounts(
            home=config.home, allow_list=Path(config.mounts.allow_list), owner_of=choice.engine.owner_of
        )
        if exposed := tuple(group.name for group in await store.read(open_networks)):
            log.warning("network_open", agent_groups=exposed)
        told_to_all = HomeSettings(provider=config.agent.provider, timezone=config.agent.timezone)
        terminal = TerminalChannel(config.chat_socket, welcome, operator_name(), folders.spool)
        channels: list[Channel] = [terminal, *more_channels()]
        threaded = {channel.name: channel.threaded for channel in channels}
        delivery = Delivery(
            store,
            clock,
            folders.spool,
            {channel.name: channel for channel in channels},
            # Sessions and delivery nudge each other; mail is all that passes between them.
            lambda session: sessions.show(session),  # noqa: PLW0108 - sessions is made below
            nodes["delivery"],
            policy=DeliveryPolicy(
                most_attempts=config.retry.most_attempts, first_pause=config.retry.delivery_pause_seconds
            ),
        )
        admission = Admission(
            most=config.sandbox.most_running, least_free=config.sandbox.least_free_memory_percent / 100
        )
        parts = Parts(
            store=store,
            customs=customs,
            engine=choice.engine,
            watch=watch,
            clock=clock,
            folders=folders,
            nudge=delivery.nudge,
            image=lambda place: own_image(choice.engine, place.settings),
            check_mounts=extra_mounts.check,
            told=lambda place: tell(told_to_all, place.agent_group, place.settings),
            timezone=config.agent.timezone,
            # Sessions lean on the sweep only by mail, and it on them.
            due=lambda: sweep.look(),  # noqa: PLW0108 - the sweep is made below
            retry=RetryPolicy(
                most_tries=config.retry.most_tries,
                first_pause=timedelta(seconds=config.retry.first_pause_seconds),
            ),
            stuck=config.stuck,
            times=SessionTimes(patience=config.patience),
            admission=admission,
        )
        sessions = Sessions(parts, nodes["sessions"])
        sweep = Sweep(store, clock, sessions.wake, delivery.nudge, nodes["sweep"])

        def changed() -> None:
            sessions.show_all()
            sweep.look()

        ingress = Ingress(
            store,
            clock,
            folders.spool,
            threaded,
            sessions.wake,
            sessions.show,
            delivery.nudge,
        )
        admin = AdminServer(
            config.admin_socket,
            _looks(config, choice, store, sessions, admission, root, watch),
            Office(
                store=store,
                clock=clock,
                operator=SENDER,
                threaded=threaded,
                timezone=config.agent.timezone,
                check_mounts=extra_mounts.check,
                changed=changed,
            ),
        )

        async def run_channels(*, task_status: trio.TaskStatus[None]) -> None:
            await supervise(
                *(
                    ChildSpec(
                        id=channel.name,
                        run=partial(channel.run, ingress.receive, ready=partial(delivery.ready, channel.name)),
                    )
                    for channel in channels
                ),
                policy=CHANNEL_RESTARTS,
                node=nodes["channels"],
                task_status=task_status,
            )

        async def announce_all(*, task_status: trio.TaskStatus[None]) -> None:
            task_status.started()
            root.set(state="running")
            mode = watch.mode if watch.mode == "inotify" else f"{watch.mode} ({watch.reason})"
            announce(Started(config=config, choice=choice, first_start=is_first, watch=mode, open_networks=exposed))
            await trio.sleep_forever()

        services: dict[str, Service] = {
            "store": store.serve,
            "spool": spool.run,
            "watch": watch.run,
            "customs": customs.run,
            "engine": choice.engine.run,
            "sessions": sessions.run,
            "delivery": delivery.run,
            "sweep": sweep.run,
            "admin": admin.run,
            "channels": run_channels,
            "announcement": announce_all,
        }
        await supervise(
            *(ChildSpec(id=name, run=services[name], node=nodes[name]) for name in TREE),
            node=root,
            task_status=task_status,
        )


def docker_settings(config: Config, install: str) -> DockerSettings:
    """What *config* says of containers, for the home called *install*."""
    return DockerSettings(
        install=install,
        image=config.sandbox.image,
        scratch=config.run_folder,
        most_starts=config.sandbox.most_starting,
        allow_old_engine=config.sandbox.allow_old_engine,
    )


def _looks(
    config: Config,
    choice: Choice,
    store: Database,
    sessions: Sessions,
    admission: Admission,
    root: TreeNode,
    watch: DirectoryWatch,
) -> dict[str, Look]:
    """What the command line may ask about the running host."""

    async def tree(_: Mapping[str, object]) -> object:
        await trio.lowlevel.checkpoint()
        return attrs.asdict(root.snapshot(trio.current_time()))

    async def show_log(asked: Mapping[str, object]) -> object:
        await trio.lowlevel.checkpoint()
        sessions.show_log(SessionId(str(asked.get("session"))))
        return None

    async def status(_: Mapping[str, object]) -> object:
        return {
            "home": str(config.home),
            "engine": choice.engine.name,
            "walls": choice.usable.walls,
            "provider": config.agent.provider,
            "watch": watch.mode,
            "actors": sorted(sessions.owned()),
            "sandboxes": {"running": admission.taken, "waiting": admission.waiting, "most": admission.most},
            "store": attrs.asdict(store.statistics()),
            "figures": attrs.asdict(await store.read(figures)),
        }

    return {"tree": tree, "status": status, "show log": show_log}
