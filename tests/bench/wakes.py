"""Many sessions woken at once: how long each waits for its reply when none has a sandbox."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import trio
from attrs import define, field

from nanoclaw import app, config
from nanoclaw.channels.base import Draft, Outgoing, Receive
from nanoclaw.core.delivery import InDoubt
from nanoclaw.core.speech import Ability
from nanoclaw.kit.clock import SystemClock
from nanoclaw.kit.ids import mint
from nanoclaw.logs import log_to_file
from nanoclaw.model.entities import AgentGroup, MessagingGroup, UnknownSenderPolicy
from nanoclaw.model.ids import AgentGroupId, ChannelName, MessagingGroupId, UserId
from nanoclaw.model.messages import InboundEvent
from nanoclaw.sandboxes.engine import Engine
from nanoclaw.settings import WebSettings
from nanoclaw.store.db import open_database
from nanoclaw.store.entities import add_agent_group, add_messaging_group
from nanoclaw.store.home import held, make_folders
from nanoclaw.store.wirings import add_wiring
from schema.sqlite import Connection
from tests.bench.figures import Samples
from tests.support.central import always

CHANNEL = ChannelName("bench")
LONGEST_SECONDS = 180.0


@define(eq=False)
class Crowd:
    """A channel on which everybody speaks at the same moment."""

    rooms: int
    name: ChannelName = field(default=CHANNEL, init=False)
    threaded: bool = field(default=False, init=False)
    keyed: bool = field(default=True, init=False)
    in_doubt: InDoubt = field(default=InDoubt.SEND_AGAIN, init=False)
    abilities: frozenset[Ability] = field(default=frozenset(), init=False)
    finished: trio.Event = field(factory=trio.Event, init=False)
    waited: dict[str, float] = field(factory=dict[str, float], init=False)
    """Milliseconds until each room had its reply."""
    _start: float = field(default=0.0, init=False)

    async def run(
        self,
        receive: Receive,
        *,
        ready: Callable[[], None],
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Speak in every room."""
        task_status.started()
        ready()
        self._start = time.perf_counter()
        async with trio.open_nursery() as nursery:
            for room in range(self.rooms):
                nursery.start_soon(receive, _event(str(room)))
        await trio.sleep_forever()

    async def deliver(self, message: Outgoing) -> str | None:
        """Note the time."""
        await trio.lowlevel.checkpoint()
        self.waited.setdefault(message.to.platform_id, (time.perf_counter() - self._start) * 1e3)
        if len(self.waited) == self.rooms:
            self.finished.set()
        return message.key

    async def show_draft(self, _: Draft) -> None:
        """There are none."""
        await trio.lowlevel.checkpoint()


def measure(home: Path, engines: Callable[[], Sequence[Engine]], rooms: int) -> Samples:
    """Run a real host in *home*; *rooms* sessions of one agent hear something at the same moment."""
    make_folders(home)
    log_to_file(home / "bench.log")
    settings = config.Config(home=home, web=WebSettings(enabled=False))
    crowd = Crowd(rooms)

    async def main() -> None:
        async with open_database(settings.database) as store:
            await store.transact(_furnish, rooms)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(
                lambda: app.serve(settings, announce=lambda _: None, engines=engines, more_channels=lambda: [crowd])
            )
            with trio.fail_after(LONGEST_SECONDS):
                await crowd.finished.wait()
            nursery.cancel_scope.cancel()

    with held(home, now=SystemClock().now()):
        trio.run(main)
    return Samples(name=f"{rooms} sessions woken at once → reply", values=list(crowd.waited.values()))


def _furnish(conn: Connection, rooms: int) -> None:
    now = SystemClock().now()
    agent = AgentGroup(id=AgentGroupId("agt"), name="Nano", folder="main", created_at=now)
    add_agent_group(conn, agent)
    for room in range(rooms):
        chat = MessagingGroup(
            id=MessagingGroupId(f"chat-{room}"),
            channel=CHANNEL,
            platform_id=str(room),
            name=str(room),
            is_group=True,
            unknown_sender_policy=UnknownSenderPolicy.PUBLIC,
            created_at=now,
        )
        add_messaging_group(conn, chat)
        add_wiring(conn, always(mint("wir"), chat.id, agent.id, now=now), now=now)


def _event(room: str) -> InboundEvent:
    return InboundEvent(
        channel=CHANNEL,
        platform_message_id=mint("msg"),
        platform_id=room,
        mention=True,
        is_group=True,
        sender_id=UserId("bench:1"),
        sender="Ada",
        text="hello",
    )
