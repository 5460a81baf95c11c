"""Bugs that are planted, each through a port, to see whether the simulation finds them. None is in the host."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Concatenate, Final, ParamSpec, TypeVar, cast

import trio
from attrs import define

from nanoclaw.channels.base import Outgoing
from nanoclaw.store.ending import close_epoch
from nanoclaw.store.epochs import end
from nanoclaw.store.events import accept
from schema.sqlite import Connection, execute, fetch
from tests.sim.host import HostLife
from tests.sim.platform import Platform, SimChannel
from tests.sim.truth import SimStore

P = ParamSpec("P")
T = TypeVar("T")

LATE_SECONDS = 0.5


class _UndoneError(Exception):
    def __init__(self, value: object) -> None:
        super().__init__(value)
        self.value = value


@define(eq=False)
class EarlyStore(SimStore):
    """Answers whoever stores an event before the event is stored."""

    async def transact(self, query: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As `SimStore.transact`, but for events."""
        if query is not accept:
            return await super().transact(query, *args, **kwargs)
        await trio.lowlevel.checkpoint()
        self.mortal.step()
        store: Callable[..., T] = query

        def try_only(conn: Connection) -> None:
            raise _UndoneError(store(conn, *args, **kwargs))

        try:
            self.run(try_only)
        except _UndoneError as undone:
            self._world.yard.nursery.start_soon(self._commit, lambda conn: store(conn, *args, **kwargs))
            return cast("T", undone.value)
        raise AssertionError

    async def _commit(self, call: Callable[[Connection], object]) -> None:
        await trio.sleep(LATE_SECONDS)
        if not self.mortal.dead:
            self.run(call)


@define(eq=False)
class EarlyChannel(SimChannel):
    """Says that a message is on the platform before it is."""

    async def deliver(self, message: Outgoing) -> str | None:
        """As `SimChannel.deliver`, later."""
        await trio.lowlevel.checkpoint()
        self.mortal.step()
        self.platform.nursery.start_soon(self._post, message)
        return "soon"

    async def _post(self, message: Outgoing) -> None:
        await trio.sleep(LATE_SECONDS)
        if not self.mortal.dead:
            self.platform.post(message)


def _keep_claims(conn: Connection, session: Any, number: Any, ending: Any, detail: str, **other: Any) -> set[Any]:
    end(conn, session, number, ending, detail, now=other["now"])
    return set()


def _forget_tries(conn: Connection, session: Any, *arguments: Any, **other: Any) -> set[Any]:
    before = fetch(conn, "SELECT id, tries FROM inbound WHERE session_id = ?", (session,))
    lanes: set[Any] = set(close_epoch(conn, session, *arguments, **other))
    for row in before:
        execute(conn, "UPDATE inbound SET tries = ? WHERE id = ?", (row["tries"], row["id"]))
    return lanes


@define(eq=False)
class OtherClosingStore(SimStore):
    """Closes epochs in a way of its own."""

    closing: Callable[..., Any] = _keep_claims

    async def transact(self, query: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As `SimStore.transact`, but for the end of an epoch."""
        other: Any = self.closing if query is close_epoch else query
        found: T = await super().transact(other, *args, **kwargs)
        return found


class AcknowledgesBeforeCommit(HostLife):
    """Tells the platform that it has an event, and then stores it."""

    def make_store(self) -> SimStore:
        """See `HostLife`."""
        return EarlyStore(self.world, self.mortal)


class MarksDeliveredBeforeSend(HostLife):
    """Settles a message, and then sends it."""

    def make_channel(self, platform: Platform) -> SimChannel:
        """See `HostLife`."""
        return EarlyChannel(platform, self.mortal)


class HonoursClaimsOfTheDead(HostLife):
    """Leaves a message to an epoch that is over."""

    def make_store(self) -> SimStore:
        """See `HostLife`."""
        return OtherClosingStore(self.world, self.mortal, _keep_claims)


class ForgetsTries(HostLife):
    """Tries a message again and again and does not count."""

    def make_store(self) -> SimStore:
        """See `HostLife`."""
        return OtherClosingStore(self.world, self.mortal, _forget_tries)


PLANTED: Final[tuple[type[HostLife], ...]] = (
    AcknowledgesBeforeCommit,
    MarksDeliveredBeforeSend,
    HonoursClaimsOfTheDead,
    ForgetsTries,
)
