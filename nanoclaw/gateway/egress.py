"""One connection from a sandbox to the gateway as its HTTP proxy: judged, carried, counted and written down.

A tunnel is not looked into. Plain HTTP is made anew, one connection onward a request. What is refused says so in words
that many programs show, with what the operator can do about it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import TypeAlias

import h11
import trio
from attrs import define, field, frozen

from nanoclaw.core.bindings import named
from nanoclaw.core.egress import Asked, Denied, Permitted, Policy, judge_name
from nanoclaw.core.egress_requests import (
    BadRequest,
    backward_headers,
    onward_headers,
    pointed_to,
    read_request,
    reason_phrase,
)
from nanoclaw.gateway.bound import AskBound, Onward, TellPassed, ValueOf, begin, no_secret, nobody_passed, nothing_bound
from nanoclaw.gateway.dial import UnreachableError
from nanoclaw.gateway.meter import Body, Count, Meter
from nanoclaw.gateway.passing import BODY_SECONDS, Passing
from nanoclaw.gateway.reach import Reach
from nanoclaw.gateway.spending import Spending
from nanoclaw.gateway.splice import Stopped, join
from nanoclaw.gateway.told import Begun, Told
from nanoclaw.gateway.wire import GoneError, Wire, client
from nanoclaw.model.bindings import GATEWAY, Stay
from nanoclaw.model.egress import EgressLimits, Outcome

IDLE_SECONDS = 600.0
"""How long a connection may be kept without a request."""
MOST_HEARD = 1 << 20
"""Bytes of a request's body that are heard although it goes nowhere."""
LONGEST_WHY, OK, THERE = 300, 200, 307


@frozen(kw_only=True)
class Egress:
    """What a session's sandbox may reach besides its model."""

    policy: Callable[[], Awaitable[Policy]]
    """What is allowed now. Raises `UnreachableError` if nobody can say; nothing is allowed then."""
    tell: Callable[[Told], None]
    """Told of every request, once it is over."""
    begins: Callable[[Begun], Callable[[Told], None]] | None = None
    """Told of every request before anything becomes of it; what it returns is told the rest, in place of `tell`."""
    bound: AskBound = nothing_bound
    """May a request go on with a secret? See there."""
    passed: TellPassed = nobody_passed
    limits: EgressLimits = field(factory=EgressLimits)
    spending: Spending = field(factory=Spending)


Outcomes: TypeAlias = tuple[Outcome, str]


@define(eq=False)
class EgressConnection:
    """Serves one connection, to its end."""

    _inside: Wire
    _egress: Egress
    _meter: Meter
    _reach: Reach
    _value_of: ValueOf = no_secret
    _can_ask: bool = field(default=False, init=False)
    """Would a rule help the request that was refused just now?"""
    _place: str = field(default="?", init=False)
    """Where the request that is under way leads, as far as that is known."""

    async def serve(self) -> None:
        """Answer requests until the sandbox leaves, or breaks the rules. Closes the connection.

        Cancellation: all connections are closed at once.
        """
        try:
            while await self._serve_one():
                pass
        except GoneError as exc:
            if exc.wire is self._inside and exc.status is not None and not self._has_begun():
                with suppress(GoneError):
                    await self._say(exc.status, f"The gateway cannot read this: {exc.why}.")
        finally:
            await self._inside.close()

    async def _serve_one(self) -> bool:
        """Answer one request; says whether another may follow."""
        request = await self._inside.receive(IDLE_SECONDS)
        if not isinstance(request, h11.Request):
            return False
        began, count = trio.current_time(), Count(self._meter)
        asked = read_request(request.method, request.target)
        self._place = named(asked)
        too_much, more = self._meter.ask(), None
        if too_much is not None and (more := self._meter.tell()) is None:
            await self._refuse(429, f"{too_much}.")
            return self._inside.next_message()
        begun = Begun(method=request.method.decode("ascii", "replace")[:20], place=self._place)
        tell = self._egress.tell if self._egress.begins is None else self._egress.begins(begun)
        outcome, why = Outcome.FAILED, "it was cut off"
        self._can_ask = False
        try:
            if too_much is None:
                outcome, why = await self._answer(request, asked, count)
            else:
                outcome, _ = await self._refuse(429, f"{too_much}.")
                why = f"{too_much} ({more})"
        except GoneError as exc:
            why = exc.why
            raise
        except Stopped as exc:
            outcome, why = Outcome.REFUSED, str(exc)
            return False
        finally:
            self._meter.say()
            tell(
                Told(
                    method=begun.method,
                    place=self._place,
                    outcome=outcome,
                    why=why[:LONGEST_WHY],
                    sent=count.sent,
                    received=count.received,
                    seconds=trio.current_time() - began,
                    can_ask=self._can_ask,
                )
            )
        return self._inside.next_message()

    async def _answer(self, request: h11.Request, asked: Asked | BadRequest, count: Count) -> Outcomes:
        if isinstance(asked, BadRequest):
            return await self._refuse(400, asked.why)
        if (pointed := pointed_to(asked)) is not None:
            return await self._point(pointed, asked.path[1:])
        if str(asked.place.host) == GATEWAY:
            async with AsyncExitStack() as held:
                return await self._by_binding(request, asked, count, held)
        if asked.method is None:
            # A request without a body: this is its end, and what follows is the tunnel's.
            await self._hear_no_body()
        try:
            verdict = judge_name(await self._egress.policy(), asked)
            outside = verdict if isinstance(verdict, Denied) else await self._reach.connect(verdict)
        except UnreachableError as exc:
            return await self._fail(f"{asked.place} cannot be reached: {exc}.")
        if isinstance(outside, Denied):
            return await self._deny(outside)
        assert isinstance(verdict, Permitted)
        if asked.method is None:
            await self._tunnel(outside, count)
            return Outcome.ALLOWED, verdict.by
        way = Onward(
            by=verdict.by,
            asked=asked,
            headers=onward_headers(asked, list(request.headers)),
            body=None,
            back=backward_headers,
            stream=outside,
        )
        return await self._pass_on(request, way, count)

    async def _point(self, meant: Asked | BadRequest, url: str) -> Outcomes:
        """Send a program to *url* by itself, where it may go there: in a tunnel it would be told no words."""
        if isinstance(meant, BadRequest):
            return await self._refuse(400, meant.why)
        self._place = named(meant)
        try:
            verdict = judge_name(await self._egress.policy(), meant)
        except UnreachableError as exc:
            return await self._fail(f"{meant.place} cannot be reached: {exc}.")
        if isinstance(verdict, Denied):
            return await self._deny(verdict)
        await self._hear_the_rest()
        await self._say(THERE, "It is reached by a tunnel.", location=url)
        return Outcome.ALLOWED, verdict.by

    async def _by_binding(self, request: h11.Request, asked: Asked, count: Count, held: AsyncExitStack) -> Outcomes:
        """Answer what is asked of the gateway itself: it goes on with a secret, to where that is bound."""
        if asked.method is None:
            return await self._refuse(400, f"{GATEWAY} is the gateway itself: ask it for http://{GATEWAY}/NAME/PATH.")
        if (asked.method, asked.path) == ("GET", "/"):
            await self._say(OK, self._meter.refusals())
            return Outcome.ALLOWED, "what was refused before"
        try:
            way = await begin(
                asked,
                list(request.headers),
                partial(self._read_body, held),
                ask=self._egress.bound,
                passed=self._egress.passed,
                value_of=self._value_of,
                reach=self._reach,
            )
        except UnreachableError as exc:
            return await self._fail(f"{asked.path.partition('?')[0]} cannot be reached: {exc}.")
        if isinstance(way, Stay):
            return await self._refuse(way.status, way.why)
        self._place = str(way.asked.place)
        return await self._pass_on(request, way, count)

    async def _read_body(self, held: AsyncExitStack, most: int) -> Body | None:
        """The body of the request under way, or None if it has more than *most* bytes. Raises `GoneError`.

        Waits for a place to hold it in, which is free again when *held* ends, if it is not before.
        """
        place = await self._meter.hold()
        held.callback(place.free)
        if self._inside.http.they_are_waiting_for_100_continue:
            await self._inside.send(h11.InformationalResponse(status_code=100, headers=[]))
        body = bytearray()
        while isinstance(event := await self._inside.receive(BODY_SECONDS), h11.Data):
            body += event.data
            if len(body) > most:
                return None
        place.data = bytes(body)
        return place

    async def _tunnel(self, outside: trio.SocketStream, count: Count) -> None:
        """Carry whatever comes, both ways, until both have ended."""
        try:
            await self._inside.send(h11.Response(status_code=200, reason=b"Connected", headers=[]))
            early = self._inside.http.trailing_data[0]
            if early:
                count.out(len(early))
                await outside.send_all(early)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # Seen again by whoever reads from it.
        except BaseException:
            await trio.aclose_forcefully(outside)
            raise
        await join(self._inside.stream, outside, sent=count.out, received=count.back)

    async def _hear_no_body(self) -> None:
        if not isinstance(await self._inside.receive(BODY_SECONDS), h11.EndOfMessage):
            raise GoneError(self._inside, "a CONNECT has no body", 400)

    async def _pass_on(self, request: h11.Request, way: Onward, count: Count) -> Outcomes:
        """Put one request and pass on its answer; says it, if that does not work."""
        outside = client(way.stream)
        try:
            await Passing(self._inside, outside, way, count).run(request.method)
        except GoneError as exc:
            if exc.wire is self._inside or self._has_begun():
                raise
            return await self._fail(f"{way.asked.place} gave no answer: {exc.why}.")
        finally:
            await outside.close()
        return Outcome.ALLOWED, way.by

    async def _fail(self, why: str) -> Outcomes:
        await self._refuse(502, why)
        return Outcome.FAILED, why

    async def _deny(self, denied: Denied) -> Outcomes:
        self._can_ask = denied.can_ask
        return await self._refuse(403, denied.why)

    async def _refuse(self, status: int, why: str) -> Outcomes:
        """Answer in the place's place, once all that was asked has been heard."""
        await self._hear_the_rest()
        self._meter.refuse(self._place, why)
        await self._say(status, why)
        return Outcome.REFUSED, why

    async def _hear_the_rest(self) -> None:
        """Whoever is still asking may hear no answer."""
        http, heard = self._inside.http, 0
        with suppress(GoneError):
            while http.their_state is h11.SEND_BODY and not http.they_are_waiting_for_100_continue:
                event = await self._inside.receive(BODY_SECONDS)
                heard += len(event.data) if isinstance(event, h11.Data) else 0
                if heard > MOST_HEARD:
                    break

    async def _say(self, status: int, why: str, *, location: str | None = None) -> None:
        body = f"nanoclaw: {why}\n".encode()
        headers = [("content-type", "text/plain; charset=utf-8"), ("content-length", str(len(body)))]
        headers.append(("connection", "close"))  # it keeps no place that another program waits for
        headers += [] if location is None else [("location", location)]
        # The status line is all that programs show of what answers a CONNECT.
        head = h11.Response(status_code=status, reason=b"OK" if status < 400 else reason_phrase(why), headers=headers)
        await self._inside.send(head)
        await self._inside.send(h11.Data(data=body))
        await self._inside.send(h11.EndOfMessage())

    def _has_begun(self) -> bool:
        """Has the sandbox been given a part of an answer?"""
        return self._inside.http.our_state not in {h11.IDLE, h11.SEND_RESPONSE}
