"""The poll loop: look, take a turn or wait, look again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NoReturn

from attrs import define, field

from runner.core.batch import choose
from runner.inbox import Inbox, patiently
from runner.model import Incoming
from runner.outbox import Outbox
from runner.turn import Turns
from runner.watch import InboxWatch
from schema.payloads import PayloadError, Task, read_in
from schema.rows import MessageIn, Phase

NET_SECONDS = 1.0
"""The longest time between two looks, whatever the watch sees."""


@define(eq=False)
class Poll:
    """Looks for work and has it done."""

    _inbox: Inbox
    _outbox: Outbox
    _watch: InboxWatch
    _turns: Turns
    _now: Callable[[], datetime]
    _beat: Callable[[], None]
    _most: int
    """Messages in one turn."""
    _first_look: bool = field(default=True, init=False)
    """Until nothing is left of the rows for a fresh sandbox that were there at its start."""

    async def run(self) -> NoReturn:
        """Take turns until cancelled.

        Raises:
          SqliteError: one of the two files cannot be used. There is nothing to go on with.

        Cancellation: between two statements; a turn under way is abandoned as `Turns.take` says.
        """
        by_net = False
        said_idle = False
        while True:
            self._beat()
            rows = await patiently(self._look)
            batch = choose(rows, self._most)
            if batch:
                self._watch.found(by_net=by_net)
                await self._do(batch)
                by_net = False
                said_idle = True
                continue
            if not said_idle:
                self._outbox.set_state(Phase.IDLE, now=self._now())
                said_idle = True
            await self._turns.take_stock()
            due_in = await self._until_due()
            # What becomes due is found by the clock, and that is no failure of the watch.
            by_net = not await self._watch.wait(min(NET_SECONDS, due_in)) and due_in > NET_SECONDS

    def _look(self) -> list[MessageIn]:
        """What could be claimed now."""
        pending = self._inbox.pending(self._now(), first_look=self._first_look)
        acked = self._outbox.acked
        rows = [row for row in pending if row.id not in acked]
        self._first_look = self._first_look and any(row.on_wake for row in rows)
        return rows

    async def _do(self, batch: Sequence[MessageIn]) -> None:
        readable: list[Incoming] = []
        unreadable: dict[str, str] = {}
        for row in batch:
            try:
                readable.append(Incoming(row=row, payload=read_in(row.kind, row.content)))
            except PayloadError as exc:
                unreadable[row.id] = f"cannot be read: {exc}"
        if unreadable:
            # The rest is chosen anew: what is left may be context alone.
            await self._turns.refuse(unreadable)
            return
        passed = [found for incoming in readable if (found := await self._passed(incoming)) is not None]
        # Context waits for somebody who asks, as ever.
        if any(incoming.row.trigger for incoming in passed):
            await self._turns.take(passed)

    async def _passed(self, incoming: Incoming) -> Incoming | None:
        """A message that the agent is to see; a task's script may say that it is not."""
        if isinstance(incoming.payload, Task) and incoming.payload.script:
            return await self._turns.gate(incoming, incoming.payload.script)
        return incoming

    async def _until_due(self) -> float:
        """Seconds until the next row is due that waits for its time."""
        now = self._now()
        due = await patiently(lambda: self._inbox.next_due(now))
        return NET_SECONDS * 2 if due is None else max(0.0, (due - now).total_seconds())
