"""What a channel would be told of who listens, beside a home whose rules are tested."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Concatenate, ParamSpec, TypeVar

import trio
from attrs import define, field

from nanoclaw.actors.listeners import Listeners
from nanoclaw.model.messages import InboundEvent
from schema.sqlite import Connection
from tests.support.central import CHANNEL, everything

P = ParamSpec("P")
T = TypeVar("T")
RECORDS = {"events", "drops"}
"""What says that something was said, and nothing more."""


@define(eq=False)
class OnConnection:
    """A `Store` that is one connection, whose transactions others begin and end."""

    conn: Connection

    async def transact(self, query: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As `Store.transact`."""
        await trio.lowlevel.checkpoint()
        return query(self.conn, *args, **kwargs)

    async def read(self, query: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As `Store.read`."""
        return await self.transact(query, *args, **kwargs)


@define(eq=False)
class Listening:
    """Watches a connection from now on."""

    _conn: Connection
    listeners: Listeners = field(factory=Listeners, init=False)

    def __attrs_post_init__(self) -> None:
        trio.run(self.listeners.begin, OnConnection(self._conn))

    def look(self, platform_id: str = "room") -> None:
        """Look again at a chat, as its next message makes ingress do."""
        trio.run(self.listeners.look, OnConnection(self._conn), CHANNEL, platform_id)

    def may_hear(self, event: InboundEvent) -> bool:
        """Would its channel tell of it?"""
        return event.mention or self.listeners.may_hear(event.channel, event.platform_id, event.thread_id)

    @contextmanager
    def expecting(self, event: InboundEvent) -> Iterator[None]:
        """What comes of *event* in the block is nothing but a record, if its channel need not have told of it."""
        if self.may_hear(event):
            yield
            return
        before = everything(self._conn)
        yield
        after = everything(self._conn)
        changed = {table for table, rows in after.items() if rows != before[table]}
        assert changed <= RECORDS, f"{sorted(changed)}: somebody would have heard {event}"
        new = [row for row in after["drops"] if row not in before["drops"]]
        assert {row["reason"] for row in new} <= {"not-engaged"}
