"""The composition root: every part of the host, and the tree they live in, written down once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path

import structlog
import trio
from attrs import frozen

from nanoclaw.actors.backups import Backups
from nanoclaw.actors.configured import Broken, Workshop
from nanoclaw.actors.egress_desk import EgressDesk
from nanoclaw.actors.meters import Meters
from nanoclaw.actors.parts import Folders
from nanoclaw.actors.spool_sweep import swept
from nanoclaw.actors.till import Till
from nanoclaw.admin.channel_desk import ChannelDesk, Rooms
from nanoclaw.admin.server import AdminServer, Office
from nanoclaw.channels.base import Channel
from nanoclaw.channels.terminal.channel import CHANNEL, CONVERSATION, SENDER, TerminalChannel, operator_name
from nanoclaw.channels.terminal.frames import Welcome
from nanoclaw.composing.extra_mounts import ExtraMounts
from nanoclaw.config import Config
from nanoclaw.core.endpoints import ANTHROPIC
from nanoclaw.core.key_check import without_key
from nanoclaw.errors import UsageError
from nanoclaw.gateway.answers import Turns
from nanoclaw.gateway.process import GatewayProcess
from nanoclaw.gateway.secrets_file import SecretsFile
from nanoclaw.ground import Ground, onecli_of, run_or_rest
from nanoclaw.house import build
from nanoclaw.kit.clock import Clock, SystemClock
from nanoclaw.kit.ids import mint
from nanoclaw.kit.slow_turns import SlowTurns
from nanoclaw.kit.supervisor import ChildSpec, Service, supervise
from nanoclaw.kit.tree import TreeNode
from nanoclaw.kit.watch import DirectoryWatch
from nanoclaw.link.standing import CustomsByStanding
from nanoclaw.looks import looks, metrics_of, see
from nanoclaw.sandboxes.available import all_engines, builder_of
from nanoclaw.sandboxes.choice import Choice, choose
from nanoclaw.sandboxes.docker_settings import DockerSettings
from nanoclaw.sandboxes.engine import Engine
from nanoclaw.store.db import Database, open_database
from nanoclaw.store.entities import install_id
from nanoclaw.store.home import make_folders
from nanoclaw.store.settings import open_networks, thinkers
from nanoclaw.store.setup import Operator, first_start

log = structlog.get_logger()

TREE = (
    "store",
    "spool",
    "watch",
    "customs",
    "engine",
    "egress",
    "gateway",
    "sessions",
    "delivery",
    "approvals",
    "onecli",
    "packages",
    "sweep",
    "backups",
    "admin",
    "console",
    "metrics",
    "channels",
    "announcement",
)
"""The host's parts, each leaning only on those before it: started in this order, stopped in the reverse."""


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
    without_key: tuple[str, ...] = ()
    """A sentence for each agent group that cannot think for want of a key."""
    page: str | None = None
    """A link that lets the operator into the web page, once."""


MoreChannels = Callable[[], Sequence[Channel]]


async def serve(
    config: Config,
    *,
    announce: Callable[[Started], None],
    engines: Callable[[], Sequence[Engine]] | None = None,
    more_channels: MoreChannels = tuple,
    customs: Callable[[], CustomsByStanding] = CustomsByStanding,
    gateways: Callable[[Path, TreeNode, Turns], GatewayProcess] = GatewayProcess,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Be the host of *config*'s home, which the caller holds, until cancelled.

    Args:
      config: The settings.
      announce: Told once everything is up.
      engines: Makes the engines to choose from, the strongest first; None for all there are.
      more_channels: Makes the channels besides the terminal.
      customs: Makes what reads the outboxes.
      gateways: Makes what keeps the gateway's process, given whose keys it uses and who counts calls.
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
        operator = Operator(user=SENDER, name=operator_name(), channel=CHANNEL, platform_id=CONVERSATION)
        is_first = await store.transact(
            first_start, agent=config.agent.name, operator=operator, mint=mint, now=clock.now()
        )
        web = None
        if config.web.enabled:
            # Imported here: a server's libraries take their time, and a home without a page has no use for them.
            from nanoclaw.actors.web_door import make_door

            web = await make_door(
                store,
                clock,
                folders.spool,
                operator,
                lambda: house.changed(),  # noqa: PLW0108 - it is made below
                lambda: seeing.house(),  # noqa: PLW0108 - it is made below
                config.web,
            )
        install = await store.transact(install_id, fresh=mint("home"), now=clock.now())
        there_are = await all_engines(docker_settings(config, install)) if engines is None else engines()
        choice = await choose(there_are, config.sandbox.engine)
        log.info("host_starts", install=install, engine=choice.engine.name, first_start=is_first)
        root = TreeNode("nanoclaw")
        watch = DirectoryWatch(probe_in=config.home / "run")
        reading = customs()
        nodes = {name: root.child(name) for name in TREE}
        welcome = Welcome(agent=config.agent.name, sandbox=choice.engine.name, provider=config.agent.provider)
        extra_mounts = ExtraMounts(
            home=config.home, allow_list=Path(config.mounts.allow_list), owner_of=choice.engine.owner_of
        )
        if exposed := tuple(group.name for group in await store.read(open_networks)):
            log.warning("network_open", agent_groups=exposed)
        terminal = TerminalChannel(config.chat_socket, welcome, operator_name(), folders.spool)
        channels: list[Channel] = [terminal, *((web.channel,) if web else ()), *more_channels()]
        secrets = SecretsFile(config.home)
        keyless = await _without_key(store, secrets, config)
        meters, turns = Meters(), SlowTurns()
        egress = EgressDesk(store, clock, nodes["egress"], config.egress.limits, meters=meters)
        zone, prices = config.agent.timezone, config.prices
        till = Till(store, clock, zone, lambda to: house.delivery.nudge(to), prices=prices, meters=meters)  # noqa: PLW0108 - below
        gateway = gateways(config.home, nodes["gateway"], till.call)
        onecli, credentials = onecli_of(config, secrets)
        ground = Ground(
            store=store,
            engine=choice.engine,
            customs=reading,
            watch=watch,
            clock=clock,
            meters=meters,
            ways_out=gateway,
            credentials=credentials,
            egress=egress,
            decisions=onecli,
            builder=builder_of(choice.engine),
        )
        await ground.listeners.begin(store)
        hears = ground.listeners.may_hear
        workshop = Workshop(store=store, clock=clock, spool=folders.spool, home=config.home, engages=hears)
        made = await workshop.make_all()
        added = [channel for channel in made.values() if not isinstance(channel, Broken)]
        house = build(config, ground, channels, nodes, check_mounts=extra_mounts.check, added=added)
        desk = ChannelDesk(
            workshop,
            Rooms(
                add=house.added.add,
                remove=house.added.remove,
                state=house.added.state,
                channels=house.channels,
                nudge=house.delivery.nudge,
            ),
            {name: one.why for name, one in made.items() if isinstance(one, Broken)},
        )
        seeing = see(config, choice, ground, house, desk, root)
        admin = AdminServer(
            config.admin_socket,
            {
                **looks(config, choice, store, house, seeing, watch),
                **desk.looks,
                **house.pairing.looks,
                **(web.looks if web else {}),
            },
            Office(
                store=store,
                clock=clock,
                operator=SENDER,
                threaded=house.threaded,
                timezone=config.agent.timezone,
                check_mounts=extra_mounts.check,
                changed=house.changed,
                forget=seeing.forget,
            ),
        )

        async def announce_all(*, task_status: trio.TaskStatus[None]) -> None:
            task_status.started()
            root.set(state="running")
            mode = watch.mode if watch.mode == "inotify" else f"{watch.mode} ({watch.reason})"
            started = Started(
                config=config,
                choice=choice,
                first_start=is_first,
                watch=mode,
                open_networks=exposed,
                without_key=keyless,
                page=await web.link(web.operator) if web else None,
            )
            announce(started)
            await trio.sleep_forever()

        services: dict[str, Service] = {
            "store": store.serve,
            "spool": spool.run,
            "watch": watch.run,
            "customs": reading.run,
            "engine": choice.engine.run,
            "egress": egress.run,
            "gateway": gateway.run,
            "sessions": house.sessions.run,
            "delivery": house.delivery.run,
            "approvals": house.approvals.run,
            "onecli": house.run_onecli,
            "packages": house.run_packages,
            "sweep": house.sweep.run,
            "backups": _backups(config, clock, nodes["backups"]).run,
            "admin": admin.run,
            "console": AdminServer(config.console_socket, seeing.console).run,
            "metrics": partial(run_or_rest, metrics_of(config, ground, house, root, turns, store)),
            "channels": house.run_channels,
            "announcement": announce_all,
        }
        with turns.watching():
            root.signals = turns.signals
            await supervise(
                *(ChildSpec(id=name, run=services[name], node=nodes[name]) for name in TREE),
                node=root,
                task_status=task_status,
            )


def _backups(config: Config, clock: Clock, node: TreeNode) -> Backups:
    every = timedelta(hours=config.backup.every_hours)
    return Backups(config.home, config.backups_folder, clock, node, every=every, keep=config.backup.keep)


async def _without_key(store: Database, secrets: SecretsFile, config: Config) -> tuple[str, ...]:
    """Who cannot think for want of a key; or what is wrong with the keys, which ends no host."""
    try:
        origins = [secret.origin for secret in await trio.to_thread.run_sync(secrets.all)]
    except UsageError as exc:
        return (str(exc),)
    # Claude then answers by way of OneCLI, which knows better.
    there = [*origins, ANTHROPIC] if config.onecli.url else origins
    return without_key(await store.read(thinkers, config.agent.provider), there)


def docker_settings(config: Config, install: str) -> DockerSettings:
    """What *config* says of containers, for the home called *install*."""
    return DockerSettings(
        install=install,
        image=config.sandbox.image,
        scratch=config.run_folder,
        most_starts=config.sandbox.most_starting,
        allow_old_engine=config.sandbox.allow_old_engine,
        way_out=config.sandbox.way_out,
    )
