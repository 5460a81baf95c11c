"""One connection from a sandbox to the gateway as its HTTP proxy: judged, carried, counted and written down.

A tunnel is not looked into. Plain HTTP is made anew, one connection onward a request. What is refused says so in words
that many programs show, with what the operator can do about it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeAlias

import h11
import trio
from attrs import define, field, frozen

from nanoclaw.core.egress import Asked, Denied, Permitted, Policy, judge_name
from nanoclaw.core.egress_requests import (
    BadRequest,
    backward_headers,
    onward_headers,
    read_request,
    reason_phrase,
)
from nanoclaw.gateway.dial import UnreachableError
from nanoclaw.gateway.meter import Meter
from nanoclaw.gateway.reach import Reach
from nanoclaw.gateway.splice import Stopped, join
from nanoclaw.gateway.wire import GoneError, Wire, client
from nanoclaw.model.egress import EgressLimits, Outcome

IDLE_SECONDS = 600.0
"""How long a connection may be kept without a request."""
BODY_SECONDS = 60.0
"""How long a sandbox may pause in the middle of a request."""
ANSWER_SECONDS = 600.0
MOST_HEARD = 1 << 20
"""Bytes of a request's body that are heard although it goes nowhere."""
LONGEST_WHY = 300


@frozen(kw_only=True)
class Told:
    """What is written down of a request."""

    method: str
    place: str
    """As it was asked for; `?`: nothing that could be read."""
    outcome: Outcome
    why: str
    sent: int = 0
    received: int = 0
    seconds: float = 0.0


@frozen(kw_only=True)
class Begun:
    """What is known of a request that is not over."""

    method: str
    place: str


@frozen(kw_only=True)
class Egress:
    """What a session's sandbox may reach besides its model."""

    policy: Callable[[], Awaitable[Policy]]
    """What is allowed now. Raises `UnreachableError` if nobody can say; nothing is allowed then."""
    tell: Callable[[Told], None]
    """Told of every request, once it is over."""
    begins: Callable[[Begun], Callable[[Told], None]] | None = None
    """Told of every request before anything becomes of it; what it returns is told the rest, in place of `tell`."""
    limits: EgressLimits = field(factory=EgressLimits)


@define
class _Count:
    """What has moved for one request."""

    _meter: Meter
    sent: int = 0
    received: int = 0

    def out(self, number: int) -> None:
        self._meter.move(number)
        self.sent += number

    def back(self, number: int) -> None:
        self._meter.move(number)
        self.received += number


Outcomes: TypeAlias = tuple[Outcome, str]


@define(eq=False)
class EgressConnection:
    """Serves one connection, to its end."""

    _inside: Wire
    _egress: Egress
    _meter: Meter
    _reach: Reach

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
        began, count = trio.current_time(), _Count(self._meter)
        asked = read_request(request.method, request.target)
        begun = Begun(
            method=request.method.decode("ascii", "replace")[:20],
            place=str(asked.place) if isinstance(asked, Asked) else "?",
        )
        tell = self._egress.tell if self._egress.begins is None else self._egress.begins(begun)
        outcome, why = Outcome.FAILED, "it was cut off"
        try:
            outcome, why = await self._answer(request, asked, count)
        except GoneError as exc:
            why = exc.why
            raise
        except Stopped as exc:
            outcome, why = Outcome.REFUSED, str(exc)
            return False
        finally:
            tell(
                Told(
                    method=begun.method,
                    place=begun.place,
                    outcome=outcome,
                    why=why[:LONGEST_WHY],
                    sent=count.sent,
                    received=count.received,
                    seconds=trio.current_time() - began,
                )
            )
        return self._inside.next_message()

    async def _answer(self, request: h11.Request, asked: Asked | BadRequest, count: _Count) -> Outcomes:
        if isinstance(asked, BadRequest):
            return await self._refuse(400, asked.why)
        if (too_much := self._meter.ask()) is not None:
            return await self._refuse(429, f"{asked.place}: {too_much}.")
        try:
            verdict = judge_name(await self._egress.policy(), asked)
            outside = verdict if isinstance(verdict, Denied) else await self._reach.connect(verdict)
        except UnreachableError as exc:
            why = f"{asked.place} cannot be reached: {exc}."
            await self._refuse(502, why)
            return Outcome.FAILED, why
        if isinstance(outside, Denied):
            return await self._refuse(403, outside.why)
        assert isinstance(verdict, Permitted)
        if asked.method is None:
            await self._tunnel(outside, count)
            return Outcome.ALLOWED, verdict.by
        failed = await self._pass_on(request, asked, client(outside), count)
        return (Outcome.ALLOWED, verdict.by) if failed is None else (Outcome.FAILED, failed)

    async def _tunnel(self, outside: trio.SocketStream, count: _Count) -> None:
        """Carry whatever comes, both ways, until both have ended."""
        try:
            # A request without a body: this is its end, and what follows is the tunnel's.
            await self._hear_no_body()
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

    async def _pass_on(self, request: h11.Request, asked: Asked, outside: Wire, count: _Count) -> str | None:
        """Put one request and pass on its answer; returns why that did not work, if it has been said."""
        try:
            headers = onward_headers(asked, list(request.headers))
            await self._ask(outside, h11.Request(method=request.method, target=asked.path, headers=headers), count)
            await self._hear_answer(outside, count)
        except GoneError as exc:
            if exc.wire is self._inside or self._has_begun():
                raise
            why = f"{asked.place} gave no answer: {exc.why}."
            await self._refuse(502, why)
            return why
        finally:
            await outside.close()
        return None

    async def _ask(self, outside: Wire, head: h11.Request, count: _Count) -> None:
        try:
            await outside.send(head)
            if self._inside.http.they_are_waiting_for_100_continue:
                await self._inside.send(h11.InformationalResponse(status_code=100, headers=[]))
            while isinstance(event := await self._inside.receive(BODY_SECONDS), h11.Data):
                count.out(len(event.data))
                await outside.send(h11.Data(data=event.data))
            await outside.send(h11.EndOfMessage())
        except GoneError as exc:
            if exc.wire is self._inside:
                raise
            # Whoever does not want to hear the rest may have answered already.

    async def _hear_answer(self, outside: Wire, count: _Count) -> None:
        """Pass the answer on, for as long as the sandbox is there to hear it."""
        failed: GoneError | Stopped | None = GoneError(self._inside, "it did not wait for the answer")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._leave_with_the_sandbox, nursery.cancel_scope)
            try:
                await self._copy_answer(outside, count)
                failed = None
            except (GoneError, Stopped) as exc:
                failed = exc
            nursery.cancel_scope.cancel()
        if failed is not None:
            raise failed

    async def _leave_with_the_sandbox(self, answering: trio.CancelScope) -> None:
        if await self._inside.wait_for_end():
            answering.cancel()

    async def _copy_answer(self, outside: Wire, count: _Count) -> None:
        while not isinstance(event := await outside.receive(ANSWER_SECONDS), h11.Response):
            if event is None:
                raise GoneError(outside, "it left without a word")
        headers = backward_headers(list(event.headers))
        await self._inside.send(h11.Response(status_code=event.status_code, reason=event.reason, headers=headers))
        while isinstance(event := await outside.receive(ANSWER_SECONDS), h11.Data):
            count.back(len(event.data))
            await self._inside.send(h11.Data(data=event.data))
        await self._inside.send(h11.EndOfMessage())

    async def _refuse(self, status: int, why: str) -> Outcomes:
        """Answer in the place's place, once all that was asked has been heard."""
        http, heard = self._inside.http, 0
        with suppress(GoneError):
            while http.their_state is h11.SEND_BODY and not http.they_are_waiting_for_100_continue:
                event = await self._inside.receive(BODY_SECONDS)
                heard += len(event.data) if isinstance(event, h11.Data) else 0
                if heard > MOST_HEARD:
                    break
        await self._say(status, why)
        return Outcome.REFUSED, why

    async def _say(self, status: int, why: str) -> None:
        body = f"nanoclaw: {why}\n".encode()
        headers = [("content-type", "text/plain; charset=utf-8"), ("content-length", str(len(body)))]
        # Whoever was refused keeps no place that another program waits for.
        headers.append(("connection", "close"))
        # The status line is all that programs show of what answers a CONNECT.
        head = h11.Response(status_code=status, reason=reason_phrase(why), headers=headers)
        await self._inside.send(head)
        await self._inside.send(h11.Data(data=body))
        await self._inside.send(h11.EndOfMessage())

    def _has_begun(self) -> bool:
        """Has the sandbox been given a part of an answer?"""
        return self._inside.http.our_state not in {h11.IDLE, h11.SEND_RESPONSE}
