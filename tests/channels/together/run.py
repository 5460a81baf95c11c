"""One agent on four channels at once: people talk in all of them, everything goes wrong, and the checker looks.

The host is the real one on simulated ground, as in `tests/sim`; but its channels are the real adapters, each with real
sockets to its fake platform. One seed decides what is said, where, and what goes wrong. As bytes take their time, it
does not decide in which order tasks run: a seed that fails is a strong hint, and no proof.
"""

from __future__ import annotations

import re
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Final

import trio
import trio.testing
from attrs import define, field, frozen

from nanoclaw.kit.clock import TrioClock
from nanoclaw.model.channels import ConfiguredChannel
from nanoclaw.model.ids import ChannelName
from nanoclaw.model.messages import LedgerState
from nanoclaw.store import channels
from nanoclaw.store.home import make_folders
from nanoclaw.store.verify import verify
from schema.payloads import ChatOut, read_out
from schema.rows import OutKind
from schema.sqlite import Connection, fetch
from tests.channels.contract.rig import Rig, Trouble
from tests.channels.contract.rigs import rig_of
from tests.channels.together.life import LifeOnFour
from tests.sim.checker import check
from tests.sim.clock import SimClock
from tests.sim.ending import Truth, read_truth
from tests.sim.history import Fault, History, Host, Posted
from tests.sim.sandboxes import Yard
from tests.sim.story import UNDECIDED
from tests.sim.town import Town
from tests.sim.weather import Weather
from tests.sim.world import World
from tests.support.central import NOW
from tests.support.central import World as Central

FOUR: Final = tuple(ChannelName(kind) for kind in ("discord", "matrix", "slack", "telegram"))
TOWN: Final = Town(
    hearers=dict.fromkeys(FOUR, 1),
    plain=frozenset({ChannelName("telegram")}),  # it has no keys: what may have arrived is sent again
    careful=frozenset(),
)
RATE: Final = 25.0
"""So much faster than the machine's is the time of all this: what waits for half a minute is over in a second."""
PATIENCE: Final = 900.0
LOOK_SECONDS: Final = 1.0
WORDS: Final = ("answer", "answer", "answer", "twice", "silent")
PAUSES: Final = (0.0, 0.0, 0.05, 0.5, 2.0)
REFUSED: Final = r"403|413|not_in_channel|msg_too_long|attempt (\d+) of \1"
"""What ends a message: that it will never be taken; or faults that have piled up until all its attempts are spent."""
STEPS: Final = 60
"""After at most so many passages through its ports a host that is to die is dead."""


@frozen(kw_only=True)
class Outcome:
    """What one run came to."""

    seed: int
    history: History
    truth: Truth
    problems: tuple[str, ...]
    faults: tuple[str, ...]


@define(eq=False)
class Story:
    """What happens, and the host to which it happens."""

    world: World
    rigs: Mapping[ChannelName, Rig]
    said: dict[tuple[ChannelName, str], list[str]] = field(
        factory=lambda: defaultdict[tuple[ChannelName, str], list[str]](list), init=False
    )
    """What people said in each conversation, in order."""
    faults: list[str] = field(factory=list[str], init=False)
    life: LifeOnFour = field(init=False)
    _over: bool = field(default=False, init=False)

    async def tell(self, messages: int) -> tuple[str, ...]:
        """*messages* on each channel, in any order; returns what never ended."""
        luck = self.world.weather.luck
        order = [name for name in FOUR for _ in range(messages)]
        luck.shuffle(order)
        async with trio.open_nursery() as nursery:
            self.life = LifeOnFour(self.world, self.rigs)
            nursery.start_soon(self._keep)
            for connected in self.life.connected.values():
                await connected.wait()
            # What is missed in a conversation is fetched once it is known: that is, once somebody has spoken in it.
            for number, (name, chat) in enumerate(((n, c) for n, r in self.rigs.items() for c in (r.chat, r.direct))):
                await self._say(name, chat, f"e{number}: answer")
            await self._wait()
            for number, name in enumerate(order, start=10):
                if luck.random() < 0.4:
                    await self._go_wrong(name)
                rig = self.rigs[name]
                chat = luck.choice((rig.chat, rig.chat, rig.direct))
                await self._say(name, chat, f"e{number}: {luck.choice(WORDS)}")
                await trio.sleep(luck.choice(PAUSES))
            left = await self._wait()
            self._over = True
            self.life.mortal.steps_left = None
            self.life.mortal.scope.cancel()
        return left

    async def _wait(self) -> tuple[str, ...]:
        """Until all has ended, or should have; what has not."""
        with trio.move_on_after(PATIENCE):
            while left := self._left():  # noqa: ASYNC110 - there is nobody to say so
                await trio.sleep(LOOK_SECONDS)
        return left

    async def _keep(self) -> None:
        """Start a host whenever there is none."""
        while True:
            await self.life.run()
            if self._over:
                return
            await trio.sleep(self.world.weather.luck.choice((0.0, 1.0, 30.0)))
            self.life = LifeOnFour(self.world, self.rigs)

    async def _say(self, name: ChannelName, chat: str, text: str) -> None:
        self.said[name, chat].append(text)
        await self.rigs[name].say(text, chat=chat, mention=self.world.weather.luck.random() < 0.5)

    async def _go_wrong(self, name: ChannelName) -> None:
        """One of the things that do."""
        rig, luck = self.rigs[name], self.world.weather.luck
        # Two of the markup in a row would be no trouble with markup.
        troubles = sorted(rig.troubles - {Trouble.MARKUP}, key=lambda one: one.value)
        happens: dict[Callable[[], object], int] = {
            partial(rig.script, *luck.choices(troubles, k=luck.choice((1, 1, 2)))): 10,
            partial(rig.script, Trouble.BUSY, Trouble.BROKEN, Trouble.BUSY): 1,
        }
        what = luck.choices(("trouble", "drop", "again", "kill", "stop"), (12, 4, 3, 2, 1))[0]
        self.faults.append(what)
        self.world.history.note(Fault(f"{what} on {name}"))
        match what:
            case "trouble":
                luck.choices(list(happens), list(happens.values()))[0]()
            case "drop":
                await rig.drop()
            case "again":
                await rig.tell_again()
            case "kill":
                self.life.mortal.steps_left = luck.randint(1, STEPS)
            case _:
                self.life.mortal.scope.cancel()

    def _left(self) -> tuple[str, ...]:
        """What has not ended yet."""
        if self.life.house is None or self.life.mortal.dead:
            return ("no host runs",)
        heard = set(texts(self.world.conn))
        unheard = [text for said in self.said.values() for text in said if text not in heard]
        undecided = [str(next(iter(row.values()))) for row in fetch(self.world.conn, UNDECIDED)]
        return (*unheard, *undecided)


def texts(conn: Connection) -> list[str]:
    """All that the agent was told of what people said."""
    rows = fetch(conn, "SELECT content ->> 'text' AS text FROM inbound WHERE kind = 'chat' ORDER BY session_id, seq")
    return [str(row["text"]) for row in rows]


def run(seed: int, messages: int) -> Outcome:
    """Run *seed*, with so many messages on each channel."""
    with tempfile.TemporaryDirectory(prefix="four-") as folder:
        return trio.run(_run, seed, messages, Path(folder), clock=trio.testing.MockClock(rate=RATE))


async def _run(seed: int, messages: int, home: Path) -> Outcome:
    make_folders(home)
    history, weather = History(), Weather(seed)
    clock = SimClock(TrioClock(NOW))
    async with AsyncExitStack() as stack:
        rigs = {name: await stack.enter_async_context(rig_of(name)(home)) for name in FOUR}
        conn = _settle_in(rigs)
        nursery = await stack.enter_async_context(trio.open_nursery())
        world = World(
            home=home,
            conn=conn,
            clock=clock,
            weather=weather,
            history=history,
            yard=Yard(clock, weather, history, nursery),
            platforms=(),
            engine_survives=weather.luck.random() < 0.5,
        )
        story = Story(world, rigs)
        left = await story.tell(messages)
        world.yard.kill_all()
        for posted in _posted(conn, rigs):
            history.note(posted)
        wrong = [f"{found.what}: {found.where}" for found in verify(conn, home, host=None, now=clock.now())]
        truth = read_truth(conn, wrong, TOWN)
        problems = [*check(history, truth, left), *_once_and_in_order(story), *_none_gave_up(history)]
        problems += _dead_for_a_reason(truth)
        return Outcome(
            seed=seed, history=history, truth=truth, problems=tuple(problems), faults=tuple(sorted(story.faults))
        )


def _settle_in(rigs: Mapping[ChannelName, Rig]) -> Connection:
    """A home in which one agent hears two chats on each channel."""
    central = Central(now=NOW)
    agent = central.agent()
    for name, rig in rigs.items():
        channels.add(
            central.conn,
            ConfiguredChannel(name=name, kind=name, settings="{}", created_at=NOW, enabled=True),
        )
        central.session_of(central.wire(central.chat(rig.chat, channel=name), agent))
        central.session_of(central.wire(central.chat(rig.direct, channel=name, is_group=False), agent))
    return central.conn


def _posted(conn: Connection, rigs: Mapping[ChannelName, Rig]) -> Iterator[Posted]:
    """What people see of the agent now, by the names that the ledger has for it."""
    keys = dict[tuple[str, str], list[str]]()
    for row in fetch(conn, "SELECT id, channel, platform_id, kind, content FROM ledger ORDER BY position"):
        out = read_out(OutKind(str(row["kind"])), str(row["content"]))
        if isinstance(out, ChatOut):
            keys.setdefault((f"{row['channel']!s} {row['platform_id']!s}", _plain(out.text)), []).append(str(row["id"]))
    for name, rig in rigs.items():
        for chat in (rig.chat, rig.direct):
            room, seen = f"{name} {chat}", set[str]()
            for shown in rig.shown(chat):
                (key,) = keys.get((room, _plain(shown.text)), [f"nobody said {shown.text!r}"])
                yield Posted(key, room, key in seen)
                seen.add(key)


def _plain(text: str) -> str:
    return re.sub(r"\W+", " ", text).strip()


def _once_and_in_order(story: Story) -> Iterator[str]:
    """What people said came to the agent once, and of each conversation in the order in which it was said."""
    heard = defaultdict[str, list[str]](list)
    query = "SELECT channel, platform_id, content ->> 'text' AS text FROM inbound WHERE kind = 'chat' ORDER BY seq"
    for row in fetch(story.world.conn, query):
        heard[f"{row['channel']!s} {row['platform_id']!s}"].append(str(row["text"]))
    for (name, chat), said in story.said.items():
        if heard[f"{name} {chat}"] != said:
            yield f"{name} {chat}: said {said}, heard {heard[f'{name} {chat}']}"


def _none_gave_up(history: History) -> Iterator[str]:
    yield from (f"a host gave up: {host.why}" for host in history.all(Host) if host.what == "failed")


def _dead_for_a_reason(truth: Truth) -> Iterator[str]:
    """No message is given up without such a reason; none is left to a person."""
    for row in truth.ledger.values():
        refused = row.error is not None and re.search(REFUSED, row.error)
        if row.state is not LedgerState.DELIVERED and not refused:
            yield f"{row.id} is {row.state.value}: {row.error}"
