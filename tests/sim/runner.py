"""The program in a simulated sandbox: the real inbox and outbox of the runner, and an agent that does as it is told."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import trio
from attrs import define, field

from nanoclaw.kit.clock import Clock
from nanoclaw.sandboxes.engine import SandboxSpec
from runner.core.doing import Tool, state_of
from runner.inbox import Inbox
from runner.model import Ask, Posting, Reply
from runner.outbox import Outbox
from schema.files import HEARTBEAT, INBOUND, OUTBOUND
from schema.payloads import AskQuestion, ChatIn, Option, PayloadError, SystemIn, Task, read_in
from schema.rows import MessageIn, Phase
from schema.sqlite import data_version
from tests.sim.history import Claimed, History, Replied, Settled, Trespass
from tests.sim.weather import Weather

BEAT_SECONDS = 25.0
LONG_TOOL = timedelta(minutes=20)
LONG_THOUGHT = 120.0
ASKED_SECONDS = 60
YES = "yes"
"""What a person says to a question."""


class CrashedError(Exception):
    """The program ends here, with an exit code that says so."""


class Yard(Protocol):
    """What a runner needs of the box that it is in."""

    async def awake(self) -> None:
        """Go on, unless the box is paused: then wait."""
        ...

    def say(self) -> None:
        """There was a commit in the outbox."""
        ...


@define(eq=False)
class SimRunner:
    """One life of a runner."""

    _spec: SandboxSpec
    _yard: Yard
    _clock: Clock
    _weather: Weather
    _history: History
    stubborn: bool = field(default=False, init=False)
    """It does not hear SIGTERM."""
    _inbox: Inbox | None = field(default=None, init=False)
    _outbox: Outbox | None = field(default=None, init=False)
    _foreign: int = field(default=0, init=False)
    """A number that changes when somebody else writes into the outbox."""
    _version: bytes = field(default=b"", init=False)
    _fd: int = field(default=-1, init=False)
    _news: trio.Event = field(factory=trio.Event, init=False)
    _first_look: bool = field(default=True, init=False)
    _first_wait: bool = field(default=True, init=False)

    def look(self) -> None:
        """The host may have written into the inbox."""
        if self._inbox is not None and self._written() != self._version:
            self._news.set()

    async def run(self) -> None:
        """Take turns until there is a reason to end. Raises `CrashedError`. Cancelled, it is gone at once."""
        out = self._spec.life.outbound
        await trio.sleep(0.05)
        if self._weather.strikes(0.3):
            raise CrashedError  # before it has said a word
        try:
            self._fd = os.open(self._spec.inbound / INBOUND, os.O_RDONLY)
            self._inbox = Inbox.open(self._spec.inbound / INBOUND)
            self._outbox = Outbox.open(out / OUTBOUND)
            self._foreign = data_version(self._outbox._conn)
            while await self._look_once(self._inbox, self._outbox):
                pass
        finally:
            for file in (self._inbox, self._outbox):
                if file is not None:
                    file.close()
            self._inbox = self._outbox = None
            if self._fd >= 0:
                os.close(self._fd)

    async def _look_once(self, inbox: Inbox, outbox: Outbox) -> bool:
        """One turn, or a wait for work; False: it wants to end."""
        await self._yard.awake()
        self._beat()
        if data_version(outbox._conn) != self._foreign:
            self._history.note(Trespass(str(self._spec.life.session)))
        self._news = trio.Event()
        self._version = self._written()
        now = self._clock.now()
        pending = inbox.pending(now, first_look=self._first_look)
        batch = [row for row in pending if row.id not in outbox.acked]
        self._first_look = False
        if any(row.trigger for row in batch):
            self._first_wait = False
            return await self._turn(inbox, outbox, batch)
        if self._first_wait:
            self._first_wait = False
            outbox.show(state_of(Phase.IDLE, now))
            self._yard.say()
        due = inbox.next_due(now)
        with trio.move_on_after(3600.0 if due is None else max(0.001, (due - now).total_seconds())):
            await self._news.wait()
        await trio.sleep(0.001)
        return True

    async def _turn(self, inbox: Inbox, outbox: Outbox, batch: Sequence[MessageIn]) -> bool:
        settled = inbox.settled(outbox.finished) if outbox.finished else ()
        ids = tuple(row.id for row in batch)
        outbox.claim(ids, now=self._clock.now(), settled=settled, delivered=inbox.delivered(outbox.messages))
        self._history.note(Claimed(self._spec.life.session, self._spec.life.epoch, ids, tuple(map(text_of, batch))))
        self._yard.say()
        asking = [row for row in batch if row.trigger]
        doing = asking[-1]
        word, _, number = text_of(doing).rpartition(": ")[2].partition(" ")
        limit = int(number) if number.isdecimal() else 0
        await self._think(outbox, word if doing.tries < limit or word in ("poison", "slow", "tool") else "answer")
        await self._yard.awake()
        return self._finish(inbox, outbox, batch, doing, word, limit)

    async def _think(self, outbox: Outbox, word: str) -> None:
        match word:
            case "poison" | "crash":
                await trio.sleep(self._weather.luck.choice((0.0, 1.0, 20.0)))
                raise CrashedError
            case "hang":
                self.stubborn = True
                await trio.sleep_forever()
            case "garbage":
                await trio.sleep(1.0)  # by then the host has seen the claim
                _destroy(self._spec.life.outbound / OUTBOUND)
                self._yard.say()
                await trio.sleep_forever()
            case "slow":
                until = trio.current_time() + LONG_THOUGHT
                while trio.current_time() < until:
                    await trio.sleep(BEAT_SECONDS)
                    await self._yard.awake()
                    self._beat()
            case "tool":
                now = self._clock.now()
                outbox.show(state_of(Phase.TURN, now, [Tool(name="shell", declared=LONG_TOOL, since=now)]))
                self._yard.say()
                await trio.sleep(LONG_TOOL.total_seconds() - 10)
            case _:
                await trio.sleep(self._weather.luck.choice((0.0, 0.004, 0.5, 5.0)))

    def _finish(
        self, inbox: Inbox, outbox: Outbox, batch: Sequence[MessageIn], doing: MessageIn, word: str, limit: int
    ) -> bool:
        """Say how the turn ended, in one commit; False: that was the last turn."""
        now, life = self._clock.now(), self._spec.life
        if word == "ask":
            self._ask(inbox, outbox, doing)
        ids = [row.id for row in batch]
        said: list[Reply | Ask] = [
            Reply(destination=None, in_reply_to=doing.id, text=f"to {text_of(doing)}, part {part}")
            for part in range({"twice": 2, "silent": 0, "fail": 0, "ask": 0}.get(word, 1))
        ]
        if word == "schedule":
            at = now + timedelta(minutes=limit or self._weather.luck.choice((1, 30, 240)))
            said.append(_schedule(doing, prompt="later: answer", process_after=at.isoformat()))
        known = set(outbox.messages)
        failed = dict.fromkeys(ids, "as it was told") if word == "fail" else {}
        completed = [] if failed else ids
        outbox.settle(said, completed=completed, failed=failed, above=inbox.highest_seq(), now=now)
        new = [name for name in outbox.messages if name not in known]
        room = _room(inbox, doing)
        for name, what in zip(new, said, strict=True):
            if isinstance(what, Reply):
                key = f"{life.session}/{life.epoch}/{name}"
                self._history.note(Replied(life.session, life.epoch, key, room, doing.id))
        for row in batch:
            self._history.note(Settled(life.session, life.epoch, row.id, bool(failed)))
        self._yard.say()
        if self._weather.strikes(0.2):
            raise CrashedError  # with its last words on the disk
        return word != "leave"

    def _ask(self, inbox: Inbox, outbox: Outbox, doing: MessageIn) -> None:
        """Ask whoever spoke, in a commit of its own, and do not wait for the answer."""
        life = self._spec.life
        row = outbox.say(_question(doing, life.epoch), above=inbox.highest_seq(), now=self._clock.now())
        room = _room(inbox, doing)
        self._history.note(Replied(life.session, life.epoch, f"{life.session}/{life.epoch}/{row.id}", room, doing.id))
        self._yard.say()

    def _written(self) -> bytes:
        """The part of the inbox's header that changes with each commit; SQLite's own word for it takes far longer."""
        return os.pread(self._fd, 4, 24)

    def _beat(self) -> None:
        stamp = round(trio.current_time() * 1e9)
        os.utime(self._spec.life.outbound / HEARTBEAT, ns=(stamp, stamp))


def text_of(row: MessageIn) -> str:
    """What an inbound row says, whatever its kind."""
    try:
        payload = read_in(row.kind, row.content)
    except PayloadError as exc:
        return f"unreadable: {exc}"
    match payload:
        case ChatIn(text=text) | SystemIn(text=text) | Task(prompt=text):
            return text
        case _:
            return "a call from elsewhere"


def _destroy(outbox: Path) -> None:
    outbox.write_bytes(b"no database at all" * 100)


def _question(row: MessageIn, epoch: int) -> Posting:
    """A question that whoever spoke can answer with `YES`, for a minute."""
    question = AskQuestion(
        question_id=f"{row.id}-{epoch}",
        title="Sure?",
        question="Really?",
        options=(Option(label=YES, value="yes"), Option(label="No", value="no")),
        timeout_seconds=ASKED_SECONDS,
    )
    return Posting(destination=None, in_reply_to=row.id, payload=question)


def _room(inbox: Inbox, doing: MessageIn) -> str:
    """Where an answer to *doing* goes: a note that came alone, from nowhere, is answered in the session's own chat."""
    to = doing if doing.channel_type is not None else inbox.routing()
    return f"{to.channel_type} {to.platform_id}"


def _schedule(row: MessageIn, **arguments: str) -> Ask:
    return Ask(in_reply_to=row.id, action="schedule_task", arguments=json.dumps(arguments))
