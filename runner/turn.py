"""One turn: claim a batch, put it to the provider, say how it ended. Claimed in one commit, settled in another."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeAlias, assert_never
from uuid import uuid4

import trio
from attrs import define, evolve, field, frozen

from runner.core.gate import Broken, Open, Shut
from runner.core.pauses import next_pause
from runner.core.prompt import Prompt, notice, prompt_of, render
from runner.core.replies import Say, decide_replies, what_to_tell
from runner.core.text import storable
from runner.inbox import Inbox, patiently
from runner.logs import log
from runner.model import Ask, Incoming, Reply, Zone, newest_trigger
from runner.outbox import Outbox
from runner.providers.base import (
    Activity,
    AskHost,
    Compacted,
    Event,
    Init,
    Input,
    Provider,
    ProviderError,
    Query,
    Result,
    SendFile,
    Taken,
    TextDelta,
    ToolEnded,
    ToolStarted,
    Trouble,
    Waiting,
)
from runner.scripts import SECONDS, run_script
from schema.files import INBOX, SANDBOX_IN
from schema.rows import Destination, Phase
from schema.sqlite import SqliteError

UNADDRESSED = "unaddressed"
FILE_NOT_SENT = "file_not_sent"


@frozen
class Done:
    """The provider answered everything."""

    replies: tuple[Reply | Ask, ...]


@frozen
class Failed:
    """It did not. Nothing of its answer is sent: a part now and the whole after another try would be said twice."""

    why: str
    retryable: bool
    limited: bool = False
    """Is it a rate limit?"""


Ending: TypeAlias = Done | Failed


@define(eq=False)
class Turns:
    """Takes turns, one after the other."""

    _provider: Provider
    _inbox: Inbox
    _outbox: Outbox
    _zone: Zone
    _now: Callable[[], datetime]
    _beat: Callable[[], None]
    _continuation: str | None
    _files: str = field(default=f"{SANDBOX_IN}/{INBOX}", kw_only=True)
    """Where the files that came with messages lie."""
    _settled: frozenset[str] = field(default=frozenset(), init=False)
    _delivered: frozenset[str] = field(default=frozenset(), init=False)

    async def take(self, batch: Sequence[Incoming]) -> None:
        """Take a turn with *batch*, which nobody has claimed yet.

        Raises:
          SqliteError: the outbox cannot be written; the turn is as if it had not been, but for its claim.

        Cancellation: the turn is abandoned. Its claim stays, and the host gives the batch to the next life.
        """
        start = trio.current_time()
        ids = [incoming.row.id for incoming in batch]
        self._outbox.claim(ids, now=self._now(), settled=self._settled, delivered=self._delivered)
        self._settled = self._delivered = frozenset()
        self._outbox.staging.clear()
        ending = await self._run(batch)
        above = await patiently(self._inbox.highest_seq)
        match ending:
            case Done(replies):
                self._outbox.settle(replies, completed=ids, states=self._states(), above=above, now=self._now())
                log("turn", messages=len(ids), replies=len(replies), seconds=_since(start))
            case Failed(why):
                self._outbox.settle(failed=dict.fromkeys(ids, why), states=self._states(), above=above, now=self._now())
                log("turn_failed", messages=len(ids), why=why, seconds=_since(start))

    async def take_stock(self) -> None:
        """See what the host has done with what we said; the next claim clears it away. For when there is time."""
        self._settled = await patiently(lambda: self._inbox.settled(self._outbox.finished))
        self._delivered = await patiently(lambda: self._inbox.delivered(self._outbox.messages))

    async def refuse(self, reasons: Mapping[str, str]) -> None:
        """Settle rows that nobody can read, by id, with the *reasons*. They need no turn."""
        above = await patiently(self._inbox.highest_seq)
        self._outbox.settle(failed=reasons, above=above, now=self._now())
        log("unreadable", messages=dict(reasons))

    async def gate(self, task: Incoming, script: str) -> Incoming | None:
        """Claim *task*, run its script, and return it with what the script found out; None: it is settled already.

        Raises:
          SqliteError: the outbox cannot be written.

        Cancellation: the script is killed; the claim stays, and the host gives the task to the next life.
        """
        self._outbox.claim([task.row.id], now=self._now())
        self._outbox.set_state(Phase.TURN, now=self._now(), tool="script", declared=timedelta(seconds=SECONDS))
        self._beat()
        gate = await run_script(script)
        self._beat()
        match gate:
            case Open(data):
                return evolve(task, script_data=data)
            case Shut(why):
                skipped, failed = {task.row.id: why}, dict[str, str]()
            case Broken(why):
                skipped, failed = dict[str, str](), {task.row.id: why}
            case _:
                assert_never(gate)
        above = await patiently(self._inbox.highest_seq)
        self._outbox.settle(failed=failed, skipped=skipped, above=above, now=self._now())
        log("script", message=task.row.id, said=why)
        return None

    async def _run(self, batch: Sequence[Incoming]) -> Ending:
        """Ask the provider, and again after growing pauses as long as it says that this may help."""
        ending = await self._ask(batch)
        waited = 0.0
        for tries in itertools.count():
            if isinstance(ending, Done) or not ending.retryable:
                break
            if (pause := next_pause(tries, waited, limited=ending.limited)) is None:
                break
            waited += pause
            log("waiting", why=ending.why, seconds=pause)
            self._outbox.set_state(Phase.WAITING_RATE_LIMIT, now=self._now())
            await trio.sleep(pause)
            self._outbox.set_state(Phase.TURN, now=self._now())
            ending = await self._ask(batch)
        return ending

    async def _ask(self, batch: Sequence[Incoming]) -> Ending:
        destinations = await patiently(self._inbox.destinations)
        prompt = prompt_of(batch, destinations, self._now(), self._zone, inbox=self._files)
        try:
            async with self._provider.query(_input(prompt), self._continuation, "") as query:
                return await self._listen(query, newest_trigger(batch))
        except SqliteError:
            raise
        except Exception as exc:
            log("provider_broke", error=exc)
            return Failed(f"{type(exc).__name__}: {exc}", retryable=False)

    async def _listen(self, query: Query, in_reply_to: str | None) -> Ending:
        replies: list[Reply | Ask] = []
        results = 0
        told = False
        while (event := await query.next_event()) is not None:
            self._beat()
            match event:
                case Result(text):
                    results += 1
                    # Read anew: who may be written to can have changed since the turn began.
                    names = [destination.name for destination in await self._destinations()]
                    outcome = decide_replies(text, names, in_reply_to)
                    if isinstance(outcome, Say):
                        replies += outcome.replies
                    complaint = what_to_tell(outcome, names)
                    if complaint is not None and not told:
                        told = True
                        query.push(_input(notice(UNADDRESSED, complaint, self._now(), self._zone)))
                    else:
                        if complaint is not None:
                            log("lost_words", why=complaint)
                        query.end()
                case SendFile():
                    staged = await self._stage(event, in_reply_to)
                    if isinstance(staged, Reply):
                        replies.append(staged)
                    else:
                        query.push(_input(notice(FILE_NOT_SENT, staged, self._now(), self._zone)))
                case AskHost(action, arguments):
                    replies.append(Ask(in_reply_to=in_reply_to, action=action, arguments=arguments))
                case ProviderError(message=message, retryable=retryable, trouble=trouble):
                    return Failed(message, retryable, trouble is Trouble.RATE_LIMIT)
                case _:
                    self._note(event)
        return Done(tuple(replies)) if results else Failed("the provider ended without a result", retryable=False)

    async def _stage(self, wish: SendFile, in_reply_to: str | None) -> Reply | str:
        """A message with that file, as it is now; or why there can be none, for the model."""
        names = [destination.name for destination in await self._destinations()]
        if wish.to is not None and wish.to not in names:
            return f"{wish.name} was not sent: there is no destination {wish.to}"
        try:
            file = self._outbox.staging.stage(Path(wish.path), wish.name)
        except (OSError, ValueError) as exc:
            return f"{wish.name} was not sent: {exc}"
        return Reply(destination=wish.to, in_reply_to=in_reply_to, text=storable(wish.text), files=(file,))

    def _note(self, event: Event) -> None:
        match event:
            case Init(continuation):
                self._continuation = storable(continuation)
            case ToolStarted(name=name, declared_timeout=declared):
                self._outbox.set_state(Phase.TURN, now=self._now(), tool=name, declared=declared)
            case ToolEnded():
                self._outbox.set_state(Phase.TURN, now=self._now())
            case Activity() | TextDelta() | Compacted() | Taken() | Waiting():
                pass
            case SendFile() | AskHost() | Result() | ProviderError():
                pass
            case _:
                assert_never(event)

    async def _destinations(self) -> list[Destination]:
        return await patiently(self._inbox.destinations)

    def _states(self) -> dict[str, str]:
        return {} if self._continuation is None else {continuation_key(self._provider.name): self._continuation}


def _input(prompt: Prompt) -> Input:
    return Input(id=str(uuid4()), text=render(prompt))


def continuation_key(provider: str) -> str:
    """Where a provider's session is kept in session_state. Providers never see each other's."""
    return f"continuation:{provider}"


def saved_continuation(provider_state: str, provider: str) -> str | None:
    """The session that *provider* was in, by what the host has kept; None if it has kept nothing usable."""
    try:
        saved = json.loads(provider_state)
    except ValueError:
        log("provider_state_unreadable")
        return None
    found = saved.get(continuation_key(provider)) if isinstance(saved, dict) else None
    return found if isinstance(found, str) else None


def _since(start: float) -> float:
    return round(trio.current_time() - start, 4)
