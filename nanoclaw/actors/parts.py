"""What every session's actor needs from the house."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

import trio
from attrs import field, frozen

from nanoclaw.actors.admission import Admission
from nanoclaw.actors.egress_desk import EgressDesk
from nanoclaw.actors.meters import Meters
from nanoclaw.actors.nets import Nets
from nanoclaw.actors.overdue import Overdue
from nanoclaw.actors.programs import Programs
from nanoclaw.actors.requests import NONE, Handler
from nanoclaw.composing.places import GroupPlaces
from nanoclaw.core.agent_mail import MailPolicy
from nanoclaw.core.endpoints import BadEndpoint, Endpoint
from nanoclaw.core.mounts import CheckMounts
from nanoclaw.core.proxy_settings import ProxySettings
from nanoclaw.core.retry import RetryPolicy
from nanoclaw.core.session import Patience
from nanoclaw.core.stuck import StuckPolicy
from nanoclaw.core.told import Told
from nanoclaw.gateway.gateway import Way
from nanoclaw.kit.clock import Clock
from nanoclaw.kit.ids import mint
from nanoclaw.kit.spool import Spool
from nanoclaw.kit.threads import WORKER_THREADS, Threads, WorkerThreads
from nanoclaw.kit.watch import Watch
from nanoclaw.link.layout import SessionLayout
from nanoclaw.link.report import DraftRow, Inspected
from nanoclaw.link.snapshot import Snapshot
from nanoclaw.model.entities import AgentGroup, Session, SessionPlace
from nanoclaw.model.ids import AgentGroupId, EpochNumber, InboundId, SessionId
from nanoclaw.sandboxes.engine import Engine, LifeName
from nanoclaw.store.db import Store
from nanoclaw.store.ledger import Lane
from nanoclaw.store.over import Over

MOST_SANDBOXES = 64


class Customs(Protocol):
    """What actors need of customs."""

    async def inspect(self, snapshot: Snapshot, *, after: int, session: SessionId) -> Inspected:
        """Read *snapshot*, an outbox of *session*; see `CustomsByStanding.inspect`."""
        ...


class WaysOut(Protocol):
    """What actors need of the gateway."""

    def open(self, way: Way) -> AbstractAsyncContextManager[None]:
        """Let *way* be open for the length of the block; see `Gateway.open`."""
        ...


@frozen
class NoWaysOut:
    """Implements `WaysOut` by none."""

    @asynccontextmanager
    async def open(self, way: Way) -> AsyncIterator[None]:
        """Nothing is there behind the socket's name."""
        await trio.lowlevel.checkpoint()
        yield


class Credentials(Protocol):
    """What actors need of OneCLI."""

    async def prepare(
        self, group: AgentGroup, model: Endpoint | BadEndpoint, say: Callable[[str], None]
    ) -> ProxySettings:
        """What a sandbox of *group* is to be given; see `nanoclaw.gateway.credentials.Credentials.prepare`."""
        ...

    async def proxy(self, group: AgentGroup) -> Endpoint:
        """Where its proxy is. Raises `UnreachableError`."""
        ...


@frozen(kw_only=True)
class Folders:
    """Where sessions and agents live on disk."""

    home: Path

    @property
    def spool(self) -> Spool:
        """The host's own copies of files that travel with messages."""
        return Spool(self.home / "spool")

    @property
    def sessions(self) -> Path:
        """The folders of all links."""
        return self.home / "sessions"

    def layout(self, session: Session) -> SessionLayout:
        """The folder of one session's link."""
        return SessionLayout(self.sessions / session.agent_group_id / session.id)

    def life(self, session: Session, epoch: EpochNumber) -> LifeName:
        """How engines know one epoch of a session."""
        return LifeName(session=session.id, epoch=epoch, outbound=self.layout(session).out_dir(epoch))

    def group(self, place: SessionPlace) -> GroupPlaces:
        """What belongs to a whole agent group."""
        return self.places(place.agent_group.id, place.agent_group.folder)

    def places(self, group: AgentGroupId, folder: str) -> GroupPlaces:
        """The same, of *group*, whose own *folder* is called so."""
        return GroupPlaces(home=self.home, folder=folder, group=group)

    @property
    def agents(self) -> Path:
        """The folders of all agent groups."""
        return self.home / "groups"

    @property
    def logs(self) -> Path:
        """What runners said, by session."""
        return self.home / "logs" / "sandboxes"

    @property
    def secrets(self) -> Path:
        """What no log must say."""
        return self.home / "secrets"

    def log(self, session: SessionId, epoch: EpochNumber) -> Path:
        """What the runner of one epoch said on standard error."""
        return self.logs / session / f"{epoch}.log"


@frozen(kw_only=True)
class SessionTimes:
    """How patient a session is with its sandbox."""

    patience: Patience = field(factory=Patience)
    """With an idle one."""
    grace: float = 10.0
    """Seconds a runner has to end after SIGTERM."""
    hurried_grace: float = 4.0
    """The same while the host itself is ending."""
    stop: float = 20.0
    """Seconds for all of a sandbox's death: asking, killing, keeping its log, removing it."""
    shutdown: float = 8.0
    """Seconds for what follows: draining, recording."""


@frozen(kw_only=True)
class Parts:
    """The rest of the house, as a session's actor sees it."""

    store: Store
    customs: Customs
    engine: Engine
    watch: Watch
    clock: Clock
    folders: Folders
    nudge: Callable[[Iterable[Lane]], None]
    """Tells delivery that there may be something to send."""
    image: Callable[[SessionPlace], Awaitable[str | None]]
    """The image that an agent group's own settings ask for; None: the one of all. Raises `ImageError`."""
    told: Callable[[SessionPlace], Told]
    """What an agent is told of itself."""
    check_mounts: CheckMounts
    """Judges the mounts of one agent group, given everybody's. Blocks."""
    drafts: Callable[[SessionPlace, tuple[DraftRow, ...]], None] = lambda _, __: None
    """Told of the replies that an agent is writing, all of them each time."""
    working: Callable[[SessionId, Collection[InboundId]], None] = lambda _, __: None
    """Told which messages an agent works on, all of them each time."""
    over: Callable[[Iterable[Over]], None] = lambda _: None
    """Told of messages that are over."""
    due: Callable[[], None] = lambda: None
    """Tells the sweep that something may be due, or due earlier than it knows."""
    requests: Mapping[str, Handler] = NONE
    """What handles requests of agents, besides what does in any case."""
    shown: Callable[[], None] = lambda: None
    """Tells every session that there may be news for its link."""
    wake: Callable[[SessionId], None] = lambda _: None
    """Tells another session that it may have something to do."""
    show: Callable[[SessionId], None] = lambda _: None
    """Tells another session that there may be news for its link."""
    mail: MailPolicy = field(factory=MailPolicy)
    """How far agents may go among themselves."""
    ways_out: WaysOut = field(factory=NoWaysOut)
    """The gateway."""
    credentials: Credentials | None = None
    """OneCLI's; None: there is none."""
    egress: EgressDesk | None = None
    """What sandboxes reach besides their models; None: nothing."""
    timezone: str = "UTC"
    retry: RetryPolicy = field(factory=RetryPolicy)
    stuck: StuckPolicy = field(factory=StuckPolicy)
    times: SessionTimes = field(factory=SessionTimes)
    admission: Admission = field(factory=lambda: Admission(most=MOST_SANDBOXES))
    nets: Nets = field(factory=Nets)
    mint: Callable[[str], str] = mint
    """Makes ids."""
    disk: Threads = field(factory=lambda: WorkerThreads(trio.CapacityLimiter(8)))
    """Threads for the link's files: one session that is locked out of its file must not hold up the others."""
    meters: Meters = field(factory=Meters)
    """Count how much there is of everything, and how long it takes."""
    threads: Threads = WORKER_THREADS
    """For what blocks shortly and touches no link that a sandbox may lock."""
    programs: Programs = field(init=False)
    """Reads what MCP servers would be started with."""
    overdue: Overdue = field(init=False)
    """Every open epoch, for the net under sessions' own judgement."""

    @programs.default
    def _make_programs(self) -> Programs:
        return Programs(store=self.store, threads=self.disk, check_mounts=self.check_mounts, places=self.folders.places)

    @overdue.default
    def _make_overdue(self) -> Overdue:
        return Overdue(self.store, self.engine, self.clock, self.threads)
