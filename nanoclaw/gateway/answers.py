"""The host's end of the line to one life of the gateway's process: questions are answered, what it says is passed on.

A call's turn is kept here until the process says that it is over. Where the process ends in the middle of one, what it
has said so far is what is counted: it says so before what costs anything goes out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import TypeAlias

import structlog
import trio
from attrs import define, field

from nanoclaw.core.egress import Policy
from nanoclaw.core.model_requests import Refuse
from nanoclaw.core.model_usage import Meter
from nanoclaw.errors import StoreError
from nanoclaw.gateway.dial import UnreachableError
from nanoclaw.gateway.egress import Egress
from nanoclaw.gateway.frames import (
    Allowed,
    Answer,
    Begins,
    Found,
    FrameError,
    Granted,
    MayCall,
    MayReach,
    MayUse,
    Moved,
    Over,
    Passed,
    Shut,
    ToGateway,
    Took,
    Unanswerable,
    WhereProxy,
)
from nanoclaw.gateway.gateway import Way
from nanoclaw.gateway.told import Begun, Told
from nanoclaw.model.bindings import Go, Pass
from nanoclaw.model.egress import Outcome
from nanoclaw.model.ids import ApprovalId, SessionId

log = structlog.get_logger()

MOST_QUESTIONS = 1 << 16
"""At a time; more than the process can have connections."""
CUT_OFF = "the gateway ended in the middle of it"
NOBODY = Refuse(status=403, kind="permission_error", why="There is no such sandbox any more.")
UNREADABLE = Refuse(
    status=503, kind="api_error", why="The host cannot read whether this call may be put; try again.", again=True
)

Turns: TypeAlias = Callable[[SessionId, bool], AbstractAsyncContextManager["Meter | Refuse"]]
"""The turn of a call of that session; see `connection.Turn`."""
FromLife: TypeAlias = MayCall | Took | MayReach | WhereProxy | MayUse | Begins | Moved | Passed | Over | Shut


def no_secrets() -> None:
    """There are none to know."""


@define(eq=False)
class _Call:
    scope: trio.CancelScope = field(factory=trio.CancelScope)
    over: trio.Event = field(factory=trio.Event)
    meter: Meter | None = None


@define(eq=False)
class Answers:
    """Answers one life of the process."""

    _say: Callable[[ToGateway], None]
    _ways: Mapping[int, Way]
    """Those that are open."""
    _turns: Turns
    _nursery: trio.Nursery
    """Ends with that life."""
    _know_secrets: Callable[[], None] = no_secrets
    """Has this process' log know what is in the files of secrets now. Blocks."""
    _closing: dict[int, tuple[Way, trio.Event]] = field(factory=dict[int, tuple[Way, trio.Event]], init=False)
    """Those that the process has been told to close, and of which it may still say something."""
    _calls: dict[int, _Call] = field(factory=dict[int, _Call], init=False)
    _questions: int = field(default=0, init=False)
    _under_way: dict[int, tuple[Egress, Begun, float]] = field(
        factory=dict[int, tuple[Egress, Begun, float]], init=False
    )
    """Requests for something else than the model, and since when."""
    _policies: dict[int, Policy] = field(factory=dict[int, Policy], init=False)
    """What the process knows of each way."""

    _passes: dict[ApprovalId, tuple[Egress, Pass]] = field(factory=dict[ApprovalId, tuple[Egress, Pass]], init=False)
    """By which something goes on that has not gone out yet, as far as the process has said."""

    def close(self, number: int, way: Way) -> trio.Event:
        """*way* is closed; what is returned is set once the process has said the last of it, or has ended."""
        shut = trio.Event()
        self._closing[number] = (way, shut)
        return shut

    def end(self, *, heard_all: bool) -> None:
        """The process says nothing more. What was under way in it is over.

        Args:
          heard_all: Has everything been heard that it has said? If not, nobody knows which passes it has used.
        """
        for egress, begun, since in self._under_way.values():
            seconds = trio.current_time() - since
            egress.tell(
                Told(method=begun.method, place=begun.place, outcome=Outcome.FAILED, why=CUT_OFF, seconds=seconds)
            )
        self._under_way.clear()
        for egress, used in self._passes.values() if heard_all else ():
            # It would have been heard before a byte of it went out.
            egress.passed(used, False)
        self._passes.clear()
        for _, shut in self._closing.values():
            shut.set()

    def hear(self, said: FromLife) -> None:
        """Do what *said* asks for. Raises `FrameError` where no process of ours would say that."""
        match said:
            case MayCall():
                self._ask(said.number)
                self._calls[said.number] = call = _Call()
                self._nursery.start_soon(self._call, said, call)
            case Took():
                self._took(said)
            case MayReach() | WhereProxy() | MayUse():
                self._ask(said.number)
                self._nursery.start_soon(self._look, said)
            case _:
                self._hear_of(said)

    def _hear_of(self, said: Begins | Moved | Passed | Over | Shut) -> None:
        match said:
            case Begins():
                self._begin(said)
            case Moved(way=number, total=total):
                self._egress_of(number).spending.move(total)
            case Passed(used=used, went=went):
                if used not in self._passes:
                    raise FrameError("nothing goes on by that pass")
                egress, taken = self._passes.pop(used)
                egress.passed(taken, went)
            case Over(number=number, told=told):
                if number not in self._under_way:
                    raise FrameError(f"there is no request {number}")
                self._under_way.pop(number)[0].tell(told)
            case Shut(way=number):
                self._policies.pop(number, None)
                if number in self._closing:
                    self._closing.pop(number)[1].set()

    def _begin(self, said: Begins) -> None:
        egress = self._egress_of(said.way)
        if len(self._under_way) >= MOST_QUESTIONS or said.number in self._under_way:
            raise FrameError("more is under way than can be")
        egress.spending.ask()
        self._under_way[said.number] = (egress, said.begun, trio.current_time())

    def _egress_of(self, number: int) -> Egress:
        way = self._ways[number] if number in self._ways else self._closing.get(number, (None,))[0]
        if way is None or way.egress is None:
            raise FrameError(f"there is no way {number}")
        return way.egress

    def _ask(self, number: int) -> None:
        if self._questions >= MOST_QUESTIONS or number in self._calls:
            raise FrameError("more is asked than can be")
        self._questions += 1

    def _took(self, said: Took) -> None:
        call = self._calls.get(said.number)
        if call is None:
            return
        if call.meter is not None:
            call.meter.settle(said.counted)
        if said.over:
            call.over.set()
            if call.meter is None:
                # It was not waited for.
                call.scope.cancel()

    async def _call(self, asked: MayCall, call: _Call) -> None:
        try:
            with call.scope:
                if asked.session not in {way.session for way in self._ways.values()}:
                    self._answer(asked.number, NOBODY)
                    return
                await self._turn(asked, call)
        finally:
            self._questions -= 1
            del self._calls[asked.number]

    async def _turn(self, asked: MayCall, call: _Call) -> None:
        try:
            async with self._turns(asked.session, asked.countable) as found:
                if isinstance(found, Refuse):
                    self._answer(asked.number, found)
                    return
                call.meter = found
                self._answer(asked.number, Granted())
                await call.over.wait()
        except StoreError:
            log.exception("call_not_judged", session=asked.session)
            if call.meter is None:
                self._answer(asked.number, UNREADABLE)

    async def _look(self, asked: MayReach | WhereProxy | MayUse) -> None:
        way = self._ways.get(asked.way)
        try:
            if isinstance(asked, MayReach) and way is not None and way.egress is not None:
                policy = await way.egress.policy()
                known = self._policies.get(asked.way) == policy
                if asked.way in self._ways:
                    self._policies[asked.way] = policy
                self._answer(asked.number, Allowed(way=asked.way, policy=None if known else policy))
            elif isinstance(asked, WhereProxy) and way is not None and way.proxy is not None:
                self._answer(asked.number, await way.proxy())
            elif isinstance(asked, MayUse) and way is not None and way.egress is not None:
                # Before it is used: what comes of that may be in this process' log, too.
                await trio.to_thread.run_sync(self._know_secrets)
                verdict = await way.egress.bound(asked.request)
                if isinstance(verdict, Go) and verdict.used is not None:
                    self._passes[verdict.used.approval_id] = way.egress, verdict.used
                self._answer(asked.number, verdict)
            else:
                self._answer(asked.number, Unanswerable(why="this sandbox's way out is closed"))
        except UnreachableError as exc:
            self._answer(asked.number, Unanswerable(why=str(exc)))
        finally:
            self._questions -= 1

    def _answer(self, number: int, found: Found) -> None:
        self._say(Answer(number=number, found=found))
