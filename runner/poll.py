"""The poll loop: look, say what there is to say or wait, look again. Also in the middle of a turn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn, assert_never

import trio
from attrs import define, field

from runner.core.batch import End, Obey, Rest, Take, decide_next
from runner.core.commands import CLEAR, as_said, command_of
from runner.exchange import Exchange
from runner.gating import Gating
from runner.inbox import patiently
from runner.model import Incoming
from runner.turn import Turns
from runner.watch import InboxWatch
from schema.payloads import PayloadError, read_in
from schema.rows import MessageIn

NET_SECONDS = 1.0
"""The longest time between two looks, whatever the watch sees."""


@define(eq=False)
class Poll:
    """Looks for work and has it done."""

    _exchange: Exchange
    _turns: Turns
    _watch: InboxWatch
    _most: int
    """Messages at once."""
    _native: bool
    """Does the provider understand commands?"""
    _gating: Gating = field(init=False)
    _first_look: bool = field(default=True, init=False)
    """Until nothing is left of the rows for a fresh sandbox that were there at its start."""
    _rest: trio.CancelScope = field(factory=trio.CancelScope, init=False)
    _changed: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        it = self._exchange
        self._gating = Gating(it.inbox, it.outbox, it.now, it.beat, it.showing)
        self._turns.changed = self._look_again

    async def run(self) -> NoReturn:
        """Look until cancelled.

        Raises:
          SqliteError: one of the two files cannot be used. There is nothing to go on with.

        Cancellation: between two statements.
        """
        by_net = False
        idle = False
        while True:
            if not self._turns.under_way:
                # In a turn, only what happens in it is a sign of life.
                self._exchange.beat()
            self._changed = False
            rows = await patiently(self._look)
            if await self._do(rows, by_net=by_net):
                by_net, idle = False, True
                continue
            if not idle:
                self._exchange.showing.show()
                idle = True
            if not self._turns.under_way:
                await self._turns.take_stock()
            due_in = await self._until_due()
            # What becomes due is found by the clock, and that is no failure of the watch.
            by_net = not await self._wait(min(NET_SECONDS, due_in)) and due_in > NET_SECONDS

    def _look(self) -> list[MessageIn]:
        """What could be claimed now."""
        it = self._exchange
        pending = it.inbox.pending(it.now(), first_look=self._first_look)
        acked = it.outbox.acked
        rows = [row for row in pending if row.id not in acked]
        self._first_look = self._first_look and any(row.on_wake for row in rows)
        return rows

    async def _do(self, rows: Sequence[MessageIn], *, by_net: bool) -> bool:
        """Do what there is to do about *rows*; says if there was anything that may have left more."""
        rows = self._hand_over(rows)
        under_way = self._turns.under_way
        step = decide_next(
            rows,
            self._most,
            commands={row.id for row in rows if command_of(row, native=self._native) is not None},
            stream=self._turns.stream,
            under_way=bool(under_way),
            alone=under_way.alone,
        )
        match step:
            case Take(chosen):
                self._watch.found(by_net=by_net)
                await self._take(chosen)
                return True
            case Obey(row):
                self._watch.found(by_net=by_net)
                await self._obey(row)
                return True
            case End():
                self._turns.end()
            case Rest():
                pass
            case _:
                assert_never(step)
        return False

    def _hand_over(self, rows: Sequence[MessageIn]) -> list[MessageIn]:
        """Give to the tools what they wait for; returns the rest."""
        left = []
        for row in rows:
            if self._exchange.tools.awaits(row.id) and (incoming := _read(row)) is not None:
                self._exchange.tools.answer(incoming)
            else:
                left.append(row)
        return left

    async def _take(self, rows: Sequence[MessageIn]) -> None:
        readable = [(row, _read(row)) for row in rows]
        batch = [incoming for _, incoming in readable if incoming is not None]
        if len(batch) < len(rows):
            # The rest is chosen anew: what is left may be context alone.
            await self._gating.refuse([row for row, incoming in readable if incoming is None])
            return
        passed = [found for incoming in batch if (found := await self._gating.pass_on(incoming)) is not None]
        # Context waits for somebody who asks, as ever.
        if self._turns.under_way or any(incoming.row.trigger for incoming in passed):
            await self._turns.take(passed)

    async def _obey(self, row: MessageIn) -> None:
        incoming, command = _read(row), command_of(row, native=self._native)
        assert incoming is not None
        assert command is not None
        if command.name == CLEAR:
            await self._turns.clear(incoming)
        else:
            await self._turns.take([incoming], command=as_said(command))

    async def _wait(self, seconds: float) -> bool:
        """Wait for something to look at, at most *seconds*; says if there was something."""
        if self._changed:
            await trio.lowlevel.checkpoint()
            return True
        with trio.CancelScope() as self._rest:
            return await self._watch.wait(seconds)
        return True

    def _look_again(self) -> None:
        self._changed = True
        self._rest.cancel()

    async def _until_due(self) -> float:
        """Seconds until the next row is due that waits for its time."""
        it = self._exchange
        now = it.now()
        due = await patiently(lambda: it.inbox.next_due(now))
        return NET_SECONDS * 2 if due is None else max(0.0, (due - now).total_seconds())


def _read(row: MessageIn) -> Incoming | None:
    try:
        return Incoming(row=row, payload=read_in(row.kind, row.content))
    except PayloadError:
        return None
