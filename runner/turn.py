"""Turns: what is claimed is put to the provider, and put again where that helps. One query, for many turns.

Two tasks meet here. The poll loop claims messages and says them (`take`), also in the middle of a turn; `run` opens
queries and listens to them. When a query is gone, all that it has not answered is put to the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NoReturn

import trio
from attrs import define, field

from runner.core.batch import Stream
from runner.core.introduction import introduce
from runner.core.pauses import next_pause
from runner.core.under_way import Put, UnderWay
from runner.exchange import PROVIDER, Exchange, new_id
from runner.inbox import patiently
from runner.logs import bind, log
from runner.model import Incoming, Reply
from runner.providers.base import Provider, ProviderError, Query, Trouble
from schema.rows import Destination, Phase
from schema.sqlite import SqliteError

CLEARED = "I have forgotten our conversation, and start afresh. What is in my files I still have."
MOST_TOLD = 5
"""Messages of a turn that lines of the log name."""
ENDED_EARLY = ProviderError(message="the provider ended without a result", retryable=True, trouble=Trouble.CRASHED)

UNSAVED_SECONDS = 0.05
"""How long a new name of the model's session waits for the commit of an answer, which it then needs none beside."""


@define(eq=False)
class Turns:
    """Everything between a claim and what comes of it."""

    _provider: Provider
    _exchange: Exchange
    _agent: str = "Nano"
    """What it goes by."""
    changed: Callable[[], None] = field(default=lambda: None, init=False)
    """Called when something may be done that could not be done before."""
    stopped: trio.Event = field(factory=trio.Event, init=False)
    """Set once `run` is over after `stop`."""
    stream: Stream = field(default=Stream.CLOSED, init=False)
    _query: Query | None = field(default=None, init=False)
    _work: trio.Event = field(factory=trio.Event, init=False)
    _stopping: bool = field(default=False, init=False)
    _session_lost: bool = field(default=False, init=False)
    """The model has to be told, with whatever it hears first."""
    _tries: int = field(default=0, init=False)
    _waited: float = field(default=0.0, init=False)
    _named: trio.Event = field(factory=trio.Event, init=False)
    """Set when the model's session has a new name."""
    _settled: frozenset[str] = field(default=frozenset(), init=False)
    _delivered: frozenset[str] = field(default=frozenset(), init=False)

    @property
    def under_way(self) -> UnderWay:
        """What is not answered yet."""
        return self._exchange.under_way

    async def take(self, batch: Sequence[Incoming], *, command: str | None = None) -> None:
        """Claim *batch* and say it to the provider, as the *command* it is; returns before it is answered.

        Nothing happens to context alone if there is no turn any more that it could join. Raises `SqliteError`.
        """
        it = self._exchange
        destinations = await patiently(it.inbox.destinations)
        if not it.under_way and not any(incoming.row.trigger for incoming in batch):
            return
        put = Put(id=new_id(), rows=tuple(batch), command=command)
        it.showing.at_work = True
        self._claim([incoming.row.id for incoming in batch])
        it.under_way = it.under_way.add(put)
        if self._query is not None and self.stream is Stream.OPEN:
            it.say(self._query, put, destinations)
        else:
            if self.stream is Stream.CLOSED:
                self.stream = Stream.BUSY
            self._work.set()

    async def clear(self, command: Incoming) -> None:
        """Forget the model's session, and say so. Only while nothing is under way. Raises `SqliteError`."""
        it = self._exchange
        self._claim([command.row.id])
        it.continuation.forget()
        reply = Reply(destination=None, in_reply_to=command.row.id, text=CLEARED)
        above = await patiently(it.inbox.highest_seq)
        it.outbox.settle([reply], completed=[command.row.id], above=above, now=it.now())
        log("cleared")

    def end(self) -> None:
        """Let the query end after what is under way."""
        if self._query is not None and self.stream is Stream.OPEN:
            self.stream = Stream.ENDING
            self._query.end()

    def stop(self) -> None:
        """Let the query end at once; `run` returns. What is under way stays claimed, for the next life."""
        self._stopping = True
        self._work.set()
        if self._query is not None:
            self._query.abort()

    async def take_stock(self) -> None:
        """See what the host has done with what we said; the next claim clears it away. For when there is time."""
        inbox, outbox = self._exchange.inbox, self._exchange.outbox
        self._settled = await patiently(lambda: inbox.settled(outbox.finished))
        self._delivered = await patiently(lambda: inbox.delivered(outbox.messages))

    async def run(self) -> None:
        """Open queries and listen to them, until `stop`.

        Raises:
          SqliteError: one of the two files cannot be used. There is nothing to go on with.

        Cancellation: what is under way stays claimed, and the host gives it to the next life.
        """
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._exchange.drafting.run)
            nursery.start_soon(self._save_names)
            while not self._stopping:
                await self._work.wait()
                self._work = trio.Event()
                while self.under_way and not self._stopping:
                    await self._ask()
            nursery.cancel_scope.cancel()
        self.stopped.set()

    async def _ask(self) -> None:
        """Put what is under way to a new query, and see to what is left when that is over."""
        self.stream = Stream.BUSY
        error = await self._converse()
        self.stream = Stream.BUSY
        self._exchange.showing.query_ended()
        if self._stopping:
            return
        if any(put.pushed for put in self.under_way.puts):
            await self._recover(error or ENDED_EARLY)
        elif error is not None:
            log("ended_idle", why=error.message)
        if not self.under_way:
            self.stream = Stream.CLOSED
            self.changed()

    async def _converse(self) -> ProviderError | None:
        """One query, from its beginning to its end; returns the error that it ended with."""
        it = self._exchange
        destinations = await patiently(it.inbox.destinations)
        first = it.put_again()
        said = it.prompting.input_of(first, destinations, session_lost=self._session_lost)
        it.under_way = it.under_way.push(first.id)
        it.see_what_is_answered(destinations)
        broken: SqliteError | None = None
        try:
            instructions = introduce(self._agent, destinations)
            async with self._provider.query(said, it.continuation.name, instructions) as query:
                try:
                    return await self._listen(query, destinations)
                except SqliteError as exc:
                    # Not the provider's; and it must not come out in a group of the provider's making.
                    broken = exc
                finally:
                    self._query = None
        except Exception as exc:
            if broken is None:
                log("provider_broke", error=exc)
                return ProviderError(message=f"{type(exc).__name__}: {exc}", retryable=False, trouble=Trouble.CRASHED)
        assert broken is not None
        raise broken

    async def _listen(self, query: Query, destinations: Sequence[Destination]) -> ProviderError | None:
        it = self._exchange
        self._query, self.stream = query, Stream.OPEN
        for put in it.under_way.puts:
            if not put.pushed:
                it.say(query, put, destinations)
        self.changed()
        while (event := await query.next_event()) is not None and not self._stopping:
            it.beat()
            if isinstance(event, ProviderError):
                it.continuation.save()
                return event
            before = it.results
            await it.hear(query, event, ended=self.stream is Stream.ENDING)
            if it.continuation.unsaved:
                self._named.set()
            if it.results > before:
                # Whatever was wrong before has passed.
                self._tries, self._waited, self._session_lost = 0, 0.0, False
                self.changed()
        it.continuation.save()
        return None

    async def _save_names(self) -> NoReturn:
        """Save each new name of the model's session, unless an answer that followed at once took it along."""
        while True:
            await self._named.wait()
            self._named = trio.Event()
            await trio.sleep(UNSAVED_SECONDS)
            self._exchange.continuation.save()

    async def _recover(self, error: ProviderError) -> None:
        """Wait until another try may help, or settle what no try will help."""
        it = self._exchange
        if error.trouble is Trouble.UNKNOWN_SESSION and it.continuation.name is not None:
            log("session_lost", why=error.message)
            it.continuation.forget()
            self._session_lost = True
            return
        limited = error.trouble is Trouble.RATE_LIMIT
        pause = next_pause(self._tries, self._waited, limited=limited, asked=error.retry_after)
        if not error.retryable or pause is None:
            self._tries, self._waited = 0, 0.0
            await it.fail(error.message, everything=error.retryable)
            return
        self._tries += 1
        self._waited += pause
        log("waiting", why=error.message, seconds=pause)
        it.showing.begin_wait(PROVIDER, Phase.WAITING_RATE_LIMIT)
        await trio.sleep(pause)
        it.showing.end_wait(PROVIDER)

    def _claim(self, ids: Sequence[str]) -> None:
        it = self._exchange
        if not it.under_way:
            it.outbox.staging.clear()
        bind(claimed=[*ids][:MOST_TOLD])
        it.outbox.claim(ids, now=it.now(), state=it.showing.state(), settled=self._settled, delivered=self._delivered)
        self._settled = self._delivered = frozenset()
