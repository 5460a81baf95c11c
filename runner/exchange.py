"""What is done about each thing that a provider says. What was put to it and is not answered yet is kept here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeAlias, assert_never
from uuid import uuid4

from attrs import define, field

from runner.continuation import Continuation
from runner.core.answering import Remind, Settle, causes_under, decide_answer
from runner.core.causes import Causes
from runner.core.under_way import Put, UnderWay
from runner.drafting import Drafting
from runner.inbox import Inbox, patiently
from runner.logs import bind, log
from runner.outbox import Outbox
from runner.prompting import Prompting
from runner.providers.base import (
    Activity,
    Compacted,
    Init,
    Query,
    Result,
    Taken,
    TextDelta,
    ToolEnded,
    ToolStarted,
    Usage,
    Waiting,
)
from runner.showing import Showing
from runner.turn_tools import NoTools, TurnTools
from schema import progress
from schema.rows import Destination, Phase

PROVIDER = "provider"
"""Who waits, when a provider does."""

Noted: TypeAlias = Init | Activity | ToolStarted | ToolEnded | TextDelta | Waiting | Compacted
Said: TypeAlias = Noted | Taken | Result


@define(eq=False)
class Exchange:
    """What a runner and a provider have to do with each other."""

    inbox: Inbox
    outbox: Outbox
    now: Callable[[], datetime]
    beat: Callable[[], None]
    """Show a sign of life."""
    prompting: Prompting
    continuation: Continuation
    tools: TurnTools = field(factory=NoTools, kw_only=True)
    showing: Showing = field(init=False)
    drafting: Drafting = field(init=False)
    under_way: UnderWay = field(factory=UnderWay, init=False)
    results: int = field(default=0, init=False)
    """How many there were: whether there were more than before shows whether anything goes on at all."""
    _causes: Causes = field(factory=Causes, init=False)
    """What is answered now, or was last."""

    def __attrs_post_init__(self) -> None:
        self.showing = Showing(self.outbox, self.now)
        self.tools.shown_by(self.showing)
        self.drafting = Drafting(self.inbox, self.outbox, self.now)

    def say(self, query: Query, put: Put, destinations: Sequence[Destination]) -> None:
        """Say *put*, which is under way already, in the middle of *query*."""
        self.under_way = self.under_way.push(put.id)
        query.push(self.prompting.input_of(put, destinations))
        self.see_what_is_answered(destinations)

    def see_what_is_answered(self, destinations: Sequence[Destination]) -> None:
        """Tell whoever has to know on which messages the model works."""
        in_hand = self.under_way.in_hand
        self._causes = causes_under(in_hand, destinations, self._causes)
        self.tools.current = self._causes.newest
        if in_hand and in_hand[0].settles:
            self.drafting.begin(in_hand[0].settles[0], self._causes.of)

    async def hear(self, query: Query, event: Said, *, ended: bool = False) -> None:
        """Do what is to be done about *event* of *query*. *ended*: nothing more may be said to it.

        Raises:
          SqliteError: one of the two files cannot be used.
        """
        if not isinstance(event, Waiting):
            self.showing.end_wait(PROVIDER)
        match event:
            case Taken(input_id):
                self.under_way = self.under_way.take(input_id)
                self.see_what_is_answered(await patiently(self.inbox.destinations))
            case Result():
                await self._answer(query, event, ended=ended)
            case _:
                self._note(event)

    def _note(self, event: Noted) -> None:
        match event:
            case Init(continuation):
                self.continuation.become(continuation)
            case ToolStarted(use, name, declared):
                self.showing.tool_started(use, name, declared)
                self.drafting.tool(name)
            case ToolEnded(use):
                self.showing.tool_ended(use)
            case TextDelta(text):
                self.drafting.text(text)
            case Waiting():
                self.showing.begin_wait(PROVIDER, Phase.WAITING_RATE_LIMIT)
            case Activity() | Compacted():
                pass
            case _:
                assert_never(event)

    def put_again(self) -> Put:
        """The query is gone: what is under way is to be said to another one, beginning with what this returns."""
        self.drafting.over()
        self.under_way = self.under_way.again(new_id)
        if given := self.tools.take_back():
            self.under_way = self.under_way.add(Put(id=new_id(), rows=given))
        return self.under_way.puts[0]

    async def fail(self, why: str, *, everything: bool) -> None:
        """Settle as failed what no other try will help, or *everything* under way. Raises `SqliteError`."""
        above = await patiently(self.inbox.highest_seq)
        self.under_way, failed = self.under_way.fail(everything=everything)
        messages = [message for put in failed for message in put.settles]
        used = self._over()
        self.outbox.settle(
            completed=used,
            failed=dict.fromkeys(messages, why),
            state=self.showing.state(),
            above=above,
            now=self.now(),
        )
        log("turn_failed", messages=len(messages), why=why)

    async def _answer(self, query: Query, result: Result, *, ended: bool) -> None:
        destinations = await patiently(self.inbox.destinations)
        above = await patiently(self.inbox.highest_seq)
        self.results += 1
        self.under_way, answered = self.under_way.answer()
        verdict = decide_answer(
            result.text,
            answered,
            destinations,
            last=self._causes,
            before=result.before,
            spoke=self.tools.has_spoken,
            new_id=new_id(),
        )
        took = [] if result.usage is None else [self._usage(result.usage)]
        self.continuation.reach(result.continuation)
        states = self.continuation.unsaved
        match verdict:
            case Remind(put=put):
                self.under_way = self.under_way.add(put)
                self.outbox.settle(usage=took, states=states, state=self.showing.state(), above=above, now=self.now())
                self.continuation.was_saved()
                if not ended:
                    self.say(query, put, destinations)
            case Settle(replies=replies, completed=completed, lost=lost):
                if lost is not None:
                    log("lost_words", why=lost)
                new = [reply for reply in replies if not await self.tools.was_sent(reply)]
                self.outbox.settle(
                    new,
                    completed=[*completed, *self._over()],
                    state=self.showing.state(),
                    usage=took,
                    states=states,
                    above=above,
                    now=self.now(),
                )
                self.continuation.was_saved()
                if self.under_way:
                    self.see_what_is_answered(destinations)
                log("turn", messages=len(completed), replies=len(new))
                bind(turn=self.results + 1)
            case _:
                assert_never(verdict)

    def _over(self) -> tuple[str, ...]:
        """An answer was given, or will not be; what its tools were given is to be settled with it."""
        self.showing.at_work = bool(self.under_way)
        self.drafting.over()
        return self.tools.end_turn()

    def _usage(self, usage: Usage) -> progress.Usage:
        return progress.Usage(
            seq=self.results,
            at=self.now(),
            model=usage.model,
            read=usage.read,
            written=usage.written,
            cached=usage.cached,
            cost_usd=usage.cost_usd,
        )


def new_id() -> str:
    """A name for an input."""
    return str(uuid4())
