"""The gateway's process, asking the host: what the host does not say in time is no.

The host beats as long as it is there. Whoever waits for an answer waits as long as that goes on, and no longer than the
answer may take at all.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import attrs
import trio
from attrs import define, field, frozen

from nanoclaw.core.egress import Policy
from nanoclaw.core.endpoints import Endpoint
from nanoclaw.core.model_requests import Refuse
from nanoclaw.core.model_usage import Counted, Meter
from nanoclaw.gateway.dial import UnreachableError
from nanoclaw.gateway.frames import (
    Allowed,
    Answer,
    Begins,
    Found,
    Granted,
    MayCall,
    MayReach,
    MayUse,
    Moved,
    Over,
    Passed,
    Shut,
    ToHost,
    Took,
    Unanswerable,
    WhereProxy,
)
from nanoclaw.gateway.told import Begun, Told
from nanoclaw.model.bindings import BoundRequest, BoundVerdict, Go, NeedsBody, Pass, Stay
from nanoclaw.model.ids import SessionId

SILENT_SECONDS = 10.0
"""Without a beat the host is taken to be away."""
ANSWER_SECONDS = 10.0
TURN_SECONDS = 900.0
"""An agent with a budget has one call at a time, and a model may think for long."""
TOLD_SECONDS = 0.5
"""How often the host hears what an answer that goes on has taken."""
AWAY = Refuse(
    status=503, kind="api_error", why="The host does not say whether this call may be put; try again.", again=True
)


@frozen
class _Waiter:
    scope: trio.CancelScope
    done: trio.Event
    found: list[Found]
    latest: float
    """On Trio's clock."""


@define(eq=False)
class HostLine:
    """Asks, over the pipe."""

    _say: Callable[[ToHost], bool]
    """Says whether the host can hear it by now, whatever becomes of this process."""
    _numbers: Iterator[int] = field(factory=lambda: itertools.count(1), init=False)
    _waiting: dict[int, _Waiter] = field(factory=dict[int, _Waiter], init=False)
    _policies: dict[int, Policy] = field(factory=dict[int, Policy], init=False)
    """What the host said last of each way."""

    def beat(self) -> None:
        """The host is there."""
        for waiter in self._waiting.values():
            waiter.scope.deadline = min(trio.current_time() + SILENT_SECONDS, waiter.latest)

    def answered(self, answer: Answer) -> None:
        """The host has said something."""
        found = answer.found
        if isinstance(found, Allowed):
            policy = found.policy or self._policies.get(found.way)
            found = attrs.evolve(found, policy=policy)
            if policy is not None:
                self._policies[found.way] = policy
        waiter = self._waiting.get(answer.number)
        if waiter is not None:
            waiter.found.append(found)
            waiter.done.set()
        elif isinstance(found, Go) and found.used is not None:
            # Whoever asked has left, or has not waited that long.
            self.passed(found.used, went=False)

    async def policy(self, way: int) -> Policy:
        """What is allowed now. Raises `UnreachableError`."""
        number = next(self._numbers)
        found = await self._ask(number, MayReach(number=number, way=way), ANSWER_SECONDS)
        if isinstance(found, Allowed) and found.policy is not None:
            return found.policy
        raise UnreachableError(_why(found))

    async def proxy(self, way: int) -> Endpoint:
        """Where OneCLI's proxy is. Raises `UnreachableError`."""
        number = next(self._numbers)
        found = await self._ask(number, WhereProxy(number=number, way=way), ANSWER_SECONDS)
        if isinstance(found, Endpoint):
            return found
        raise UnreachableError(_why(found))

    async def bound(self, way: int, request: BoundRequest) -> BoundVerdict:
        """May it go on with a secret? Raises `UnreachableError`."""
        number = next(self._numbers)
        found = await self._ask(number, MayUse(number=number, way=way, request=request), ANSWER_SECONDS)
        if isinstance(found, Go | NeedsBody | Stay):
            return found
        raise UnreachableError(_why(found))

    def passed(self, used: Pass, went: bool) -> None:
        """Have the host know whether a request goes out by that pass, before it does.

        Raises `UnreachableError` where one would go out of which the host might never hear: it is not to, then.
        """
        if not self._say(Passed(used=used.approval_id, went=went)) and went:
            raise UnreachableError("the host does not hear that it goes out")

    def moved(self, way: int, total: int) -> None:
        """Have the host know how many bytes have moved by now."""
        self._say(Moved(way=way, total=total))

    def begins(self, way: int, begun: Begun) -> Callable[[Told], None]:
        """Have the host know of a request; what is returned has it write down what came of that."""
        number = next(self._numbers)
        self._say(Begins(number=number, way=way, begun=begun))
        return lambda told: self._tell(Over(number=number, told=told))

    def shut(self, way: int) -> None:
        """No more is said of *way*."""
        self._policies.pop(way, None)
        self._say(Shut(way=way))

    @asynccontextmanager
    async def turn(self, session: SessionId, countable: bool) -> AsyncIterator[Meter | Refuse]:
        """The turn of a call; see `connection.Turn`. The host hears what it takes while it does."""
        number = next(self._numbers)
        meter = _ToldMeter(lambda counted: self._tell(Took(number=number, counted=counted)))
        try:
            asked = MayCall(number=number, session=session, countable=countable)
            found = await self._ask(number, asked, TURN_SECONDS)
            if isinstance(found, Granted):
                yield meter
            else:
                yield found if isinstance(found, Refuse) else AWAY
        finally:
            self._say(Took(number=number, counted=meter.total(), over=True))

    def _tell(self, said: ToHost) -> None:
        """Say it; what the host does not hear of it is lost with this process."""
        self._say(said)

    async def _ask(self, number: int, question: ToHost, seconds: float) -> Found | None:
        """The answer; None: it did not come in time."""
        latest = trio.current_time() + seconds
        waiter = _Waiter(
            trio.CancelScope(deadline=min(latest, trio.current_time() + SILENT_SECONDS)), trio.Event(), [], latest
        )
        self._waiting[number] = waiter
        try:
            self._say(question)
            with waiter.scope:
                await waiter.done.wait()
        finally:
            del self._waiting[number]
        return waiter.found[0] if waiter.found else None


@define(eq=False)
class _ToldMeter(Meter):
    """Tells what it counts, before what costs it goes out, and from time to time while an answer comes."""

    _tell: Callable[[Counted], None]
    _told_at: float = field(default=0.0, init=False)

    def asked(self, size: int) -> None:
        super().asked(size)
        self._tell(self.so_far())

    def heard(self, data: bytes) -> None:
        super().heard(data)
        if trio.current_time() - self._told_at >= TOLD_SECONDS:
            self._told_at = trio.current_time()
            self._tell(self.so_far())


def _why(found: Found | None) -> str:
    return found.why if isinstance(found, Unanswerable) else "the host does not say what is allowed"
