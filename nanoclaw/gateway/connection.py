"""One connection from a sandbox: its requests, one after the other, and the connection onward that belongs to it.

Nothing is kept but the piece that is under way, in either direction: whoever is slow slows the other. No connection
onward is ever shared, so an answer cannot reach anybody but who asked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress
from typing import TypeAlias

import h11
import trio
from attrs import define, field

from nanoclaw.core.endpoints import BadEndpoint, Endpoint
from nanoclaw.core.model_requests import (
    MOST_BODY,
    TOO_LARGE,
    Counts,
    Forward,
    Key,
    Refuse,
    answer_headers,
    counts,
    judge,
    unreachable,
)
from nanoclaw.core.model_usage import Meter
from nanoclaw.gateway.dial import Dial, UnreachableError
from nanoclaw.gateway.wire import GoneError, Wire, client

IDLE_SECONDS = 600.0
"""How long a connection may be kept without a request."""
BODY_SECONDS = 60.0
"""How long a sandbox may pause in the middle of a request."""
ANSWER_SECONDS = 600.0
"""How long a model may say nothing: it thinks, and not every one says so meanwhile."""

FindKey: TypeAlias = Callable[[Endpoint], Awaitable[Key | Refuse | None]]
"""The host's key for that place, as it is now; None: it has none; or why it cannot be had. A checkpoint."""
Turn: TypeAlias = Callable[[bool], AbstractAsyncContextManager["Meter | Refuse"]]
"""The turn of a call, given whether its answer says what it took: a meter for it, or why it is not put."""
Note: TypeAlias = Callable[[Refuse], None]
"""Told of every request that is answered here instead of there."""


@define(eq=False)
class Connection:
    """Serves one connection, to its end."""

    _inside: Wire
    _endpoint: Endpoint | BadEndpoint
    _find_key: FindKey
    _dial: Dial
    _note: Note
    _turn: Turn
    _outside: Wire | None = field(default=None, init=False)

    async def serve(self) -> None:
        """Answer requests until the sandbox leaves, or breaks the rules.

        Cancellation: both connections are closed at once.
        """
        try:
            while await self._serve_one():
                pass
        except GoneError as exc:
            if exc.wire is self._inside and exc.status is not None and not self._has_begun():
                await self._complain(exc, exc.status)
        finally:
            try:
                await self._hang_up()
            finally:
                await self._inside.close()

    async def _serve_one(self) -> bool:
        """Answer one request; says whether another may follow."""
        request = await self._inside.receive(IDLE_SECONDS)
        if not isinstance(request, h11.Request):
            return False
        judged = await self._judge(request)
        refusal = (
            judged if isinstance(judged, Refuse) else await self._put(judged, counts(request.method, request.target))
        )
        if refusal is not None:
            await self._refuse(refusal)
        return self._inside.next_message()

    async def _judge(self, request: h11.Request) -> Forward | Refuse:
        key = None if isinstance(self._endpoint, BadEndpoint) else await self._find_key(self._endpoint)
        if isinstance(key, Refuse):
            return key
        return judge(request.method, request.target, list(request.headers), self._endpoint, key)

    async def _put(self, forward: Forward, counted: Counts) -> Refuse | None:
        """Put the request in its turn, if it has one."""
        if counted is Counts.FREE:
            return await self._forward(forward, Meter())
        async with self._turn(counted is Counts.SAID) as meter:
            return meter if isinstance(meter, Refuse) else await self._forward(forward, meter)

    async def _forward(self, forward: Forward, meter: Meter) -> Refuse | None:
        """Put the request to the model and pass on its answer; returns what is to be answered in its place."""
        assert isinstance(self._endpoint, Endpoint)
        try:
            outside = await self._connected(self._endpoint)
        except UnreachableError as exc:
            return unreachable(self._endpoint, str(exc))
        refusal = await self._ask(outside, forward, meter)
        if refusal is None:
            refusal = await self._answer(outside, self._endpoint, meter)
        if refusal is not None or not outside.next_message():
            await self._hang_up()
        return refusal

    async def _connected(self, endpoint: Endpoint) -> Wire:
        """The connection onward: the one there is, unless it has ended meanwhile, or a new one."""
        if self._outside is not None and not self._outside.is_quiet():
            await self._hang_up()
        if self._outside is None:
            self._outside = client(await self._dial(endpoint))
        return self._outside

    async def _ask(self, outside: Wire, forward: Forward, meter: Meter) -> Refuse | None:
        """Say the request and its body, as it comes."""
        try:
            await outside.send(h11.Request(method=forward.method, target=forward.target, headers=list(forward.headers)))
            if self._inside.http.they_are_waiting_for_100_continue:
                await self._inside.send(h11.InformationalResponse(status_code=100, headers=[]))
            passed = 0
            while isinstance(event := await self._inside.receive(BODY_SECONDS), h11.Data):
                passed += len(event.data)
                if passed > MOST_BODY:
                    return TOO_LARGE
                # Before it goes out: whoever counts knows of it then, whatever becomes of this process.
                meter.asked(len(event.data))
                await outside.send(h11.Data(data=event.data))
            meter.put()
            await outside.send(h11.EndOfMessage())
        except GoneError as exc:
            if exc.wire is self._inside:
                raise
            # Whoever does not want to hear the rest may have answered already, and then left.
        return None

    async def _answer(self, outside: Wire, endpoint: Endpoint, meter: Meter) -> Refuse | None:
        """Pass on what the model answers, for as long as the sandbox is there to hear it."""
        failed = GoneError(self._inside, "it did not wait for the answer")
        whole = False
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._leave_with_the_sandbox, nursery.cancel_scope)
            try:
                await self._copy(outside, meter)
                whole = True
            except GoneError as exc:
                failed = exc
            nursery.cancel_scope.cancel()
        if whole:
            return None
        if failed.wire is self._inside or self._has_begun():
            raise failed
        meter.lost()
        return unreachable(endpoint, failed.why)

    async def _copy(self, outside: Wire, meter: Meter) -> None:
        while not isinstance(event := await outside.receive(ANSWER_SECONDS), h11.Response):
            if event is None:
                raise GoneError(outside, "it left without an answer")
        head = h11.Response(
            status_code=event.status_code, reason=event.reason, headers=answer_headers(list(event.headers))
        )
        said = dict(head.headers)
        meter.begins(head.status_code, said.get(b"content-type", b""), said.get(b"content-encoding", b""))
        await self._inside.send(head)
        while isinstance(event := await outside.receive(ANSWER_SECONDS), h11.Data):
            meter.heard(bytes(event.data))
            await self._inside.send(h11.Data(data=event.data))
        await self._inside.send(h11.EndOfMessage())

    async def _leave_with_the_sandbox(self, answering: trio.CancelScope) -> None:
        """Nobody pays for an answer that nobody reads."""
        if await self._inside.wait_for_end():
            answering.cancel()

    def _has_begun(self) -> bool:
        """Has the sandbox been given a part of an answer?"""
        return self._inside.http.our_state not in {h11.IDLE, h11.SEND_RESPONSE}

    async def _refuse(self, refusal: Refuse) -> None:
        """Answer in the model's place, once all that was asked has been heard."""
        self._note(refusal)
        # One that says less than it announced may listen all the same.
        with suppress(GoneError):
            await self._hear_out()
        await self._say(refusal.status, refusal.body, again=refusal.again)

    async def _complain(self, exc: GoneError, status: int) -> None:
        """Say what is wrong with what cannot be read, and be done with it."""
        refusal = Refuse(status=status, kind="invalid_request_error", why=f"The gateway cannot read this: {exc.why}.")
        self._note(refusal)
        # Whoever speaks like this need not be there to hear it.
        with suppress(GoneError):
            await self._say(status, refusal.body, again=False)

    async def _hear_out(self) -> None:
        """Hear the rest of a request that goes nowhere, up to a bound: an answer before that may be lost."""
        heard, http = 0, self._inside.http
        while http.their_state is h11.SEND_BODY and not http.they_are_waiting_for_100_continue and heard <= MOST_BODY:
            event = await self._inside.receive(BODY_SECONDS)
            heard += len(event.data) if isinstance(event, h11.Data) else 0

    async def _say(self, status: int, body: bytes, *, again: bool) -> None:
        headers = [
            ("content-type", "application/json"),
            ("content-length", str(len(body))),
            # What the clients of this API go by; without it they would ask for minutes what cannot be had.
            ("x-should-retry", "true" if again else "false"),
        ]
        await self._inside.send(h11.Response(status_code=status, headers=headers))
        await self._inside.send(h11.Data(data=body))
        await self._inside.send(h11.EndOfMessage())

    async def _hang_up(self) -> None:
        """Close the connection onward, if there is one."""
        outside, self._outside = self._outside, None
        if outside is not None:
            await outside.close()
