"""One request of plain HTTP carried onward, and its answer back, for as long as the sandbox is there to hear it."""

from __future__ import annotations

import h11
import trio
from attrs import define, field

from nanoclaw.gateway.bound import Onward
from nanoclaw.gateway.meter import Count
from nanoclaw.gateway.splice import Stopped
from nanoclaw.gateway.wire import GoneError, Wire

BODY_SECONDS = 60.0
"""How long a sandbox may pause in the middle of a request."""
ANSWER_SECONDS = 600.0


@define(eq=False)
class Passing:
    """Carries one, once."""

    _inside: Wire
    _outside: Wire
    _way: Onward
    _count: Count
    _missing: int | None = field(default=None, init=False)
    """Bytes of the answer that have not been passed on; None: nobody has said how many it has."""

    async def run(self, method: bytes) -> None:
        """Put it, and pass on what is answered.

        Raises:
          GoneError: one of the two neighbours left, or does not speak HTTP.
          Stopped: there is to be no more of it.

        Cancellation: some of it may have been said; both connections are to be closed.
        """
        await self._ask(h11.Request(method=method, target=self._way.asked.path, headers=self._way.headers))
        await self._hear_answer()

    async def _ask(self, head: h11.Request) -> None:
        try:
            await self._outside.send(head)
            if (body := self._way.body) is not None:
                self._count.out(len(body.data))
                await self._outside.send(h11.Data(data=body.data))
                body.free()
            else:
                await self._copy_body()
            await self._outside.send(h11.EndOfMessage())
        except GoneError as exc:
            if exc.wire is self._inside:
                raise
            # Whoever does not want to hear the rest may have answered already.

    async def _copy_body(self) -> None:
        if self._inside.http.they_are_waiting_for_100_continue:
            await self._inside.send(h11.InformationalResponse(status_code=100, headers=[]))
        while isinstance(event := await self._inside.receive(BODY_SECONDS), h11.Data):
            self._count.out(len(event.data))
            await self._outside.send(h11.Data(data=event.data))

    async def _hear_answer(self) -> None:
        """Pass the answer on, for as long as the sandbox is there to hear it."""
        failed: GoneError | Stopped | None = GoneError(self._inside, "it did not wait for the answer")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._leave_with_the_sandbox, nursery.cancel_scope)
            try:
                await self._copy_answer()
                failed = None
            except (GoneError, Stopped) as exc:
                failed = exc
            nursery.cancel_scope.cancel()
        # Whoever has all of it may leave before its end is said.
        if isinstance(failed, Stopped) or (failed is not None and self._missing != 0):
            raise failed

    async def _leave_with_the_sandbox(self, answering: trio.CancelScope) -> None:
        if await self._inside.wait_for_end():
            answering.cancel()

    async def _copy_answer(self) -> None:
        while not isinstance(event := await self._outside.receive(ANSWER_SECONDS), h11.Response):
            if event is None:
                raise GoneError(self._outside, "it left without a word")
        headers = self._way.back(list(event.headers))
        said = dict(event.headers).get(b"content-length", b"")
        self._missing = int(said) if said.isdigit() else None
        await self._inside.send(h11.Response(status_code=event.status_code, reason=event.reason, headers=headers))
        while isinstance(event := await self._outside.receive(ANSWER_SECONDS), h11.Data):
            self._count.back(len(event.data))
            if self._missing is not None:
                self._missing -= len(event.data)
            await self._inside.send(h11.Data(data=event.data))
        await self._inside.send(h11.EndOfMessage())
