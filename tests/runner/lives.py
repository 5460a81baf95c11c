"""A conversation over many lives of a runner: a naive host, a person who keeps talking, and a model that remembers."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import trio
from attrs import define, evolve, field

from runner.core.prompt import Message, parse
from runner.inbox import Inbox
from runner.outbox import Outbox
from runner.providers.base import Event, Init, Input, ProviderError, Result, Taken, TextDelta, Trouble, Usage
from runner.staging import Staging
from schema import sqlite
from schema.files import INBOUND, OUTBOUND, OUTBOX
from schema.rows import MessageIn
from schema.sqlite import Journal, SqliteError, Synchronous, fetch
from tests.runner.link import Link, chat
from tests.runner.scene import Scene
from tests.support.dying_disk import DyingDisk

MESSAGES = 20
LIFE_SECONDS = 600.0


@define(eq=False)
class Mind:
    """A model that outlives runners. What came while it thought goes into the same answer, or waits for the next."""

    name: str = "mind"
    native_commands: bool = False
    asked: list[int] = field(factory=list[int], init=False)
    """The number of each message, each time that it was put to it."""
    luck: random.Random | None = None
    """Of a process that dies at any event, one time in twenty; None: it never does."""
    deaths: int = field(default=0, init=False)
    resumed: list[str | None] = field(factory=list["str | None"], init=False)

    @asynccontextmanager
    async def query(self, first: Input, continuation: str | None, instructions: str) -> AsyncGenerator[MindQuery]:
        """Begin."""
        await trio.lowlevel.checkpoint()
        self.resumed.append(continuation)
        query = MindQuery(self)
        query.push(first)
        yield query


@define(eq=False)
class MindQuery:
    """Thinks for half a second before each answer."""

    _mind: Mind
    _events: list[Event] = field(factory=lambda: [Init("the session")], init=False)
    _heard: list[Input] = field(factory=list[Input], init=False)
    _pushed: trio.Event = field(factory=trio.Event, init=False)

    def push(self, more: Input) -> None:
        """Hear it."""
        self._heard.append(more)
        self._mind.asked += [item.id for item in parse(more.text).items if isinstance(item, Message)]
        self._pushed.set()

    def end(self) -> None:
        """Nobody asks for this here."""

    def abort(self) -> None:
        """Nobody asks for this here."""

    async def next_event(self) -> Event | None:
        """Words, what was taken, the answer."""
        await trio.lowlevel.checkpoint()
        if self._mind.luck is not None and self._mind.luck.random() < 0.05:
            self._mind.deaths += 1
            return ProviderError(message="it died", retryable=True, trouble=Trouble.CRASHED)
        if not self._events:
            while not self._heard:
                self._pushed = trio.Event()
                await self._pushed.wait()
            await trio.sleep(0.25)
            # Of three, it leaves the last for the next answer.
            now, self._heard = self._heard[:2], self._heard[2:]
            self._events = [TextDelta("thinking"), *(Taken(one.id) for one in now), Result(_answer(now), Usage(5, 3))]
        if isinstance(self._events[0], Result):
            await trio.sleep(0.25)
        return self._events.pop(0)


def _answer(inputs: list[Input]) -> str:
    """A line for each message, by its words."""
    items = [item for one in inputs for item in parse(one.text).items]
    return "\n".join(f"re: {item.text}" for item in items if isinstance(item, Message))


@define(eq=False)
class Conversation:
    """Twenty messages, one each 0.3 seconds, whoever is there to hear them. The truth of it is here."""

    folder: Path
    mind: Mind = field(factory=Mind)
    rows: dict[str, MessageIn] = field(factory=dict[str, MessageIn], init=False)
    """What was said and is not settled."""
    said: int = field(default=0, init=False)
    settled: dict[str, str] = field(factory=dict[str, str], init=False)
    replies: list[str] = field(factory=list[str], init=False)
    state: str = field(default="{}", init=False)
    epoch: int = field(default=0, init=False)
    changes: int = field(default=0, init=False)
    """Of the outbox, in the first life."""

    async def live(self, dies_at: int) -> None:
        """Live through it; the first runner dies at that change of its outbox. 0: none does."""
        while self.rows or self.said < MESSAGES:
            self.epoch += 1
            await self._life(DyingDisk(dies_at if self.epoch == 1 else 0))

    async def _life(self, disk: DyingDisk) -> None:
        link = Link(self._made(f"e{self.epoch}"))
        link.set_meta(provider_state=self.state, seq_floor=1_000 * self.epoch)
        for row in self.rows.values():
            link.show(row)
        inbox = Inbox.open(link.inside / INBOUND)
        try:
            await self._run(link, inbox, disk)
        except* SqliteError:
            assert disk.dead, "only the dead write nothing"
        finally:
            inbox.close()
            link.close()
        self.changes = self.changes or disk.changes
        self._absorb(link)

    async def _run(self, link: Link, inbox: Inbox, disk: DyingDisk) -> None:
        conn = sqlite.open_read_write(link.out / OUTBOUND, Journal.DELETE, Synchronous.FULL, vfs=disk.name)
        try:
            scene = Scene(link, inbox, Outbox(conn, Staging(link.out / OUTBOX)))
            kept = json.loads(self.state).get("continuation:mind")
            with trio.fail_after(LIFE_SECONDS):
                async with scene.running(self.mind, continuation=kept):
                    await self._talk(link, scene)
        finally:
            with suppress(SqliteError):
                conn.close()

    async def _talk(self, link: Link, scene: Scene) -> None:
        """Say what is left to say, until all is settled."""
        while self.said < MESSAGES:
            self.said += 1
            row = link.numbered(chat(f"message {self.said}"), seq=2 * self.said)
            self.rows[row.id] = row
            link.show(row)
            await trio.sleep(0.3)
        await scene.until(lambda: self.rows.keys() <= _done(link), every=0.1)

    def _absorb(self, link: Link) -> None:
        """Take in what that life has left, as a host does once it has ended."""
        # Whoever opens it next rolls back what was half done.
        conn = sqlite.open_read_write(link.out / OUTBOUND, Journal.DELETE, Synchronous.OFF)
        try:
            acks = fetch(conn, "SELECT message_id, status FROM processing_ack")
            self.replies += [link.text(row) for row in fetch(conn, "SELECT * FROM messages_out ORDER BY seq")]
            states = fetch(conn, "SELECT key, value FROM session_state")
        finally:
            conn.close()
        for ack in acks:
            message_id = str(ack["message_id"])
            if ack["status"] == "processing":
                # A try of each, as a real host counts them.
                self.rows[message_id] = evolve(self.rows[message_id], tries=1)
            elif message_id in self.rows:
                self.settled[message_id] = str(ack["status"])
                del self.rows[message_id]
        if states:
            self.state = json.dumps({str(row["key"]): row["value"] for row in states})

    def _made(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir()
        return folder

    def wrong(self) -> list[str]:
        """What is not as it has to be."""
        lines = [line for reply in self.replies for line in reply.splitlines()]
        expected = [f"re: message {number}" for number in range(1, MESSAGES + 1)]
        found = []
        if sorted(lines) != sorted(expected):
            found.append(f"answered: {lines}")
        if set(self.settled.values()) != {"completed"} or len(self.settled) != MESSAGES:
            found.append(f"settled: {self.settled}")
        if set(self.mind.asked) != {2 * number for number in range(1, MESSAGES + 1)}:
            found.append(f"asked: {self.mind.asked}")
        return found


def _done(link: Link) -> set[str]:
    return {message_id for message_id, status in link.acks().items() if status == "completed"}
