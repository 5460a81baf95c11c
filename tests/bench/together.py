"""One agent on four channels at once: from what somebody says on a platform to the answer that people see there.

The host is real, with real sandboxes of the demo provider, its real adapters and real sockets; the fake platforms run
in its process and on its loop, so their time is in the figures, and the agent's as well. People talk to it in private,
in one conversation on each channel, in an order that a seed decides: in a group of Slack's or Discord's each message
would begin a thread, which is a session with a sandbox of its own, and the start of it is another figure.

Now and then something goes wrong. A message counts as touched by a fault from the moment of the fault until all that
was said in its conversation meanwhile is answered; all others are to be answered as if nothing were.
"""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import trio
from attrs import define, field

from nanoclaw import app, config
from nanoclaw.channels.secrets_file import ChannelSecrets
from nanoclaw.channels.terminal.channel import CHANNEL, CONVERSATION
from nanoclaw.kit.clock import SystemClock
from nanoclaw.kit.ids import mint
from nanoclaw.model.channels import ConfiguredChannel
from nanoclaw.model.ids import ChannelName, UserId
from nanoclaw.sandboxes.engine import Engine
from nanoclaw.settings import WebSettings
from nanoclaw.store import channels, entities
from nanoclaw.store.db import open_database
from nanoclaw.store.home import held, make_folders
from nanoclaw.store.setup import Operator, first_start
from schema.sqlite import Connection
from tests.bench.figures import Samples, Target
from tests.channels.contract.rig import Rig, Trouble
from tests.channels.contract.rigs import rig_of
from tests.support.central import World
from tests.support.fake_http import FakeHttp

KINDS = ("discord", "matrix", "slack", "telegram")
SEED = 4
WARM_UP = 5
PAUSE = 0.25
"""Seconds between two messages, on average."""
LOOK_SECONDS = 0.05
PATIENCE = 90.0
TROUBLES = (Trouble.BUSY, Trouble.BROKEN, Trouble.SILENT, Trouble.LOST, Trouble.CUT)
"""What goes wrong one after the other, besides cut connections and what is told again; at the end something hangs."""
WAITS = {Trouble.HELD: 35.0}
USUAL_WAIT = 3.0
"""Seconds for which a host may wait after a fault although people see its message already."""
EVERY = 8
"""One in so many messages is said into a fault."""


@define(eq=False)
class Chat:
    """One conversation of the four, and when what was said and answered there."""

    rig: Rig
    said: dict[str, float] = field(factory=dict[str, float], init=False)
    shown: dict[str, float] = field(factory=dict[str, float], init=False)
    touched: set[str] = field(factory=set[str], init=False)
    _trouble: int | None = field(default=None, init=False)
    """How many messages there were at the last fault, if it is not over."""
    _until: float = field(default=0.0, init=False)
    """It is not over before."""
    _seen: int = field(default=0, init=False)

    async def begin(self) -> None:
        """Say something until it is answered: what is said before a channel is connected is heard by nobody."""
        for number in range(int(PATIENCE)):
            await self.rig.say(f"say 1 w{number}y", chat=self.rig.direct)
            with trio.move_on_after(1.0):
                while not self.shown:  # noqa: ASYNC110 - `watch` looks
                    await trio.sleep(LOOK_SECONDS)
                return

    async def say(self, word: str) -> None:
        """Somebody says *word*, which is to be said back."""
        if self._trouble is not None and self._is_over(self._trouble):
            self._trouble = None
        if self._trouble is not None:
            self.touched.add(word)
        self.said[word] = time.perf_counter()
        await self.rig.say(f"say 1 {word}", chat=self.rig.direct)

    def _is_over(self, messages_before: int) -> bool:
        all_answered = messages_before < len(self.said) and self.said.keys() <= self.shown.keys()
        return all_answered and time.perf_counter() > self._until

    async def suffer(self, fault: str | Trouble) -> None:
        """Something goes wrong now; whatever is not answered yet is touched by it, and the next message is."""
        self.touched |= self.said.keys() - self.shown.keys()
        self._trouble = len(self.said)
        seconds = USUAL_WAIT
        match fault:
            case "drop":
                await self.rig.drop()
            case "again":
                await self.rig.tell_again()
            case trouble:
                assert isinstance(trouble, Trouble)
                self.rig.script(trouble)
                seconds = WAITS.get(trouble, USUAL_WAIT)
        self._until = max(self._until, time.perf_counter() + seconds)

    async def watch(self) -> None:
        """Note when people see what."""
        http = next(value for fake in _parts_of(self.rig) for value in _parts_of(fake) if isinstance(value, FakeHttp))
        while True:
            await http.news()
            self._look()

    def _look(self) -> None:
        shown = self.rig.shown(self.rig.direct)
        new, self._seen = shown[self._seen :], len(shown)
        for one in new:
            for word in re.findall(r"w\d+[xy]", one.text):
                self.shown.setdefault(word, time.perf_counter())

    async def answered(self) -> None:
        """Wait until everything is."""
        with trio.fail_after(PATIENCE):
            while not self.said.keys() <= self.shown.keys():  # noqa: ASYNC110 - `watch` looks
                await trio.sleep(LOOK_SECONDS)

    def waits(self, *, touched: bool) -> list[float]:
        """Milliseconds of those that were touched by a fault, or were not."""
        return [(self.shown[word] - at) * 1e3 for word, at in self.said.items() if (word in self.touched) is touched]


def _parts_of(thing: object) -> list[object]:
    """What it is made of."""
    return [getattr(thing, name) for name in getattr(type(thing), "__slots__", ()) if not name.startswith("__")]


def measure(home: Path, engines: Callable[[], Sequence[Engine]], messages: int) -> list[Samples]:
    """*messages* on each of the four channels, with a real host in *home*."""
    make_folders(home)
    with held(home, now=SystemClock().now()):
        calm, rough = trio.run(_measure, home, engines, messages)
    target = (Target(percentile=99, most=100.0),)
    return [
        Samples(name="said → answered, untouched", values=calm, targets=target),
        Samples(name="said → answered, in a fault or behind it", values=rough),
    ]


async def _measure(
    home: Path, engines: Callable[[], Sequence[Engine]], messages: int
) -> tuple[list[float], list[float]]:
    async with AsyncExitStack() as stack:
        chats = {kind: Chat(await stack.enter_async_context(rig_of(kind)(home))) for kind in KINDS}
        await _settle_in(home, {kind: chat.rig for kind, chat in chats.items()})
        await stack.enter_async_context(_host(home, engines))
        nursery = await stack.enter_async_context(trio.open_nursery())
        for chat in chats.values():
            nursery.start_soon(chat.watch)
        for chat in chats.values():
            await chat.begin()
        for number in range(WARM_UP):
            for chat in chats.values():
                await chat.say(f"w{number}x")
                await chat.answered()
                chat.said.clear()
        await _talk(chats, messages)
        for chat in chats.values():
            await chat.answered()
        nursery.cancel_scope.cancel()
    return (
        [wait for chat in chats.values() for wait in chat.waits(touched=False)],
        [wait for chat in chats.values() for wait in chat.waits(touched=True)],
    )


async def _talk(chats: Mapping[str, Chat], messages: int) -> None:
    luck = random.Random(SEED)
    order = [kind for kind in chats for _ in range(messages)]
    luck.shuffle(order)
    faults: list[str | Trouble] = [*TROUBLES, "drop", "again"]
    for number, kind in enumerate(order, start=100):
        last = len(order) - number + 100
        if last in (30, 20):  # what hangs does so for half a minute
            await chats[kind].suffer(Trouble.HANGS if last == 30 else Trouble.HELD)
        elif number % EVERY == 0 and last > 30:
            await chats[kind].suffer(faults[number // EVERY % len(faults)])
        await chats[kind].say(f"w{number}x")
        await trio.sleep(luck.expovariate(1 / PAUSE))


@asynccontextmanager
async def _host(home: Path, engines: Callable[[], Sequence[Engine]]) -> AsyncGenerator[None]:
    settings = config.Config(home=home, web=WebSettings(enabled=False))
    async with trio.open_nursery() as nursery:
        await nursery.start(
            lambda task_status: app.serve(settings, announce=lambda _: None, engines=engines, task_status=task_status)
        )
        yield
        nursery.cancel_scope.cancel()


async def _settle_in(home: Path, rigs: Mapping[str, Rig]) -> None:
    """A home whose agent hears a chat on each channel."""
    operator = Operator(user=UserId(f"{CHANNEL}:bench"), name="Ada", channel=CHANNEL, platform_id=CONVERSATION)
    async with open_database(home / "nanoclaw.db") as store:
        await store.transact(first_start, agent="Nano", operator=operator, mint=mint, now=SystemClock().now())
        await store.transact(_wire, rigs)
    for kind, rig in rigs.items():
        secret = {one.name for one in rig.kind.asks if one.secret}
        told = {name: value for name, value in rig.settings.items() if name in secret}
        await trio.to_thread.run_sync(ChannelSecrets(home).set, ChannelName(kind), told)


def _wire(conn: Connection, rigs: Mapping[str, Rig]) -> None:
    now = SystemClock().now()
    world, (agent, *_) = World(conn=conn, now=now), entities.agent_groups(conn)
    for kind, rig in rigs.items():
        secret = {one.name for one in rig.kind.asks if one.secret}
        plain = json.dumps({name: value for name, value in rig.settings.items() if name not in secret})
        row = ConfiguredChannel(name=ChannelName(kind), kind=kind, settings=plain, created_at=now, enabled=True)
        channels.add(conn, row)
        world.wire(world.chat(rig.direct, channel=kind, is_group=False), agent)
