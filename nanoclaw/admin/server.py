"""Answers the command line over run/admin.sock: one JSON object asks, one answers.

`{"verb": "chats create", "arguments": {…}, "confirmed": false}` is answered with `{"answer": {…}}`, `{"error": "…"}` or
`{"question": "…"}`, which wants the same again with `confirmed`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TypeAlias

import attrs
import structlog
import trio
from attrs import define, frozen

from nanoclaw.admin.table import BY_NAME
from nanoclaw.admin.verb import Answer, ConfirmationNeededError, Request, Verb
from nanoclaw.core.mounts import CheckMounts
from nanoclaw.errors import NanoclawError
from nanoclaw.kit.clock import Clock
from nanoclaw.kit.ids import mint
from nanoclaw.kit.lines import BadFrameError, LineStream
from nanoclaw.kit.sockets import listen
from nanoclaw.model.ids import ChannelName, UserId
from nanoclaw.store.db import Store
from schema.sqlite import Connection

log = structlog.get_logger()

Look: TypeAlias = Callable[[Mapping[str, object]], Awaitable[object]]
"""Answers one question about the running host, given its arguments, with what JSON can say. A checkpoint."""

ASK_SECONDS = 30.0


@frozen(kw_only=True)
class Office:
    """What verbs are given of the host."""

    store: Store
    clock: Clock
    operator: UserId
    threaded: Mapping[ChannelName, bool]
    check_mounts: CheckMounts
    timezone: str = "UTC"
    """IANA name: the zone of people here, unless something says its own."""
    changed: Callable[[], None]
    """Told after every verb that writes: running sandboxes shall see it, and something may be due."""


@define(eq=False)
class AdminServer:
    """Whoever can open the socket is the operator: it is theirs alone."""

    _socket: Path
    _looks: Mapping[str, Look]
    _office: Office | None = None
    """None: nothing can be done here, only looked at."""

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
                await lines.send(await self._answer({} if frame is None else frame))
        except (BadFrameError, trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # whoever asked is gone, or asked nonsense
        finally:
            with trio.move_on_after(0, shield=True):
                await lines.aclose()

    async def _answer(self, frame: Mapping[str, object]) -> dict[str, object]:
        name = frame.get("verb")
        try:
            arguments = frame.get("arguments", {})
            if isinstance(name, str) and name in self._looks:
                return {"answer": await self._looks[name](arguments if isinstance(arguments, dict) else {})}
            if isinstance(name, str) and name in BY_NAME and self._office is not None:
                verb = BY_NAME[name]
                asked = verb.read(arguments)
                done = await self._run(self._office, verb, asked, confirmed=bool(frame.get("confirmed")))
                return {"answer": attrs.asdict(done)}
        except ConfirmationNeededError as exc:
            return {"question": str(exc)}
        except NanoclawError as exc:
            return {"error": str(exc)}
        await trio.lowlevel.checkpoint()
        verbs = [*self._looks, *(BY_NAME if self._office is not None else ())]
        return {"error": f"there is no verb {name!r}; there are {', '.join(verbs)}"}

    async def _run(self, office: Office, verb: Verb, arguments: object, *, confirmed: bool) -> Answer:
        request = Request(
            now=office.clock.now(),
            mint=mint,
            operator=office.operator,
            threaded=office.threaded,
            timezone=office.timezone,
            check_mounts=office.check_mounts,
            confirmed=confirmed,
        )

        def handle(conn: Connection) -> Answer:
            return verb.handler(conn, arguments, request)

        if not verb.writes:
            return await office.store.read(handle)
        answer = await office.store.transact(handle)
        log.info("admin_changed", verb=verb.name, said=answer.said)
        office.changed()
        return answer
