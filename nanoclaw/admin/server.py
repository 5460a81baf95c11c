"""Answers the command line over run/admin.sock: one JSON object asks, one answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TypeAlias

import trio
from attrs import define

from nanoclaw.errors import NanoclawError
from nanoclaw.kit.lines import BadFrameError, LineStream
from nanoclaw.kit.sockets import listen

Verb: TypeAlias = Callable[[], Awaitable[object]]
"""Answers one question with what JSON can say. A checkpoint."""

ASK_SECONDS = 30.0


@define(eq=False)
class AdminServer:
    """Whoever can open the socket is the operator: it is theirs alone."""

    _socket: Path
    _verbs: Mapping[str, Verb]

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled."""
        listener = listen(self._socket)
        try:
            async with trio.open_nursery() as nursery:
                task_status.started()
                await trio.serve_listeners(self._serve, [listener], handler_nursery=nursery)
        finally:
            self._socket.unlink(missing_ok=True)

    async def _serve(self, stream: trio.SocketStream) -> None:
        lines = LineStream(stream)
        try:
            with trio.move_on_after(ASK_SECONDS):
                frame = await lines.receive()
                await lines.send(await self._answer(frame))
        except (BadFrameError, trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # whoever asked is gone, or asked nonsense
        finally:
            with trio.move_on_after(0, shield=True):
                await lines.aclose()

    async def _answer(self, frame: Mapping[str, object] | None) -> dict[str, object]:
        verb = None if frame is None else frame.get("verb")
        handler = self._verbs.get(verb) if isinstance(verb, str) else None
        if handler is None:
            await trio.lowlevel.checkpoint()
            return {"error": f"there is no verb {verb!r}; there are {', '.join(self._verbs)}"}
        try:
            return {"answer": await handler()}
        except NanoclawError as exc:
            return {"error": str(exc)}
