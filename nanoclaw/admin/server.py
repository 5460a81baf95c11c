"""Answers the command line over run/admin.sock: one JSON object asks, one answers.

`{"verb": "chats create", "arguments": {…}, "confirmed": false}` is answered with `{"answer": {…}}`, `{"error": "…"}` or
`{"question": "…"}`, which wants the same again with `confirmed`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

import attrs
import structlog
import trio
from attrs import define, frozen

from nanoclaw.actors.acts import Act
from nanoclaw.admin.performing import perform, refused
from nanoclaw.admin.table import BY_NAME
from nanoclaw.admin.verb import Answer, ConfirmationNeededError, Request, Verb
from nanoclaw.core.mounts import CheckMounts
from nanoclaw.errors import NanoclawError, StoreError, UsageError
from nanoclaw.kit.clock import Clock
from nanoclaw.kit.ids import mint
from nanoclaw.kit.lines import MOST_ANSWER, BadFrameError, LineStream
from nanoclaw.kit.sockets import listen
from nanoclaw.kit.written import Written
from nanoclaw.model.ids import ChannelName, SessionId, UserId
from nanoclaw.store import audit
from nanoclaw.store.audit import Outcome
from nanoclaw.store.db import Store
from schema.sqlite import Connection

log = structlog.get_logger()

Look: TypeAlias = Callable[[Mapping[str, object]], Awaitable[object]]
"""Answers one question about the running host, given its arguments: `Written`, or what JSON can say. A checkpoint."""

ASK_SECONDS = 30.0
NOTE = "audit note"
"""How the command line has recorded what it does itself, such as to keep a key."""
LOOKS_ONLY = frozenset({"tree", "overview", "status", "show log", "actor", "channels kinds", "channels list"})
"""Questions that change nothing. Whatever else can be asked is a verb of the table, or an `Act`, and is recorded."""


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
    changed: Callable[[Iterable[SessionId]], None]
    """Told after every verb that writes: sandboxes shall see it, something may be due, and those sessions go on now."""
    forget: Callable[[], None]
    """Told before anybody is answered whose verb or act may have changed something: the next look is made anew."""


@define(eq=False)
class AdminServer:
    """Whoever can open the socket is the operator: it is theirs alone."""

    _socket: Path
    _looks: Mapping[str, Look]
    _office: Office | None = None
    """None: nothing can be done here, only looked at."""

    def __attrs_post_init__(self) -> None:
        acts = {name for name, look in self._looks.items() if isinstance(look, Act)}
        if unsaid := self._looks.keys() - acts - LOOKS_ONLY:
            raise ValueError(f"does it only look, or is it an Act, which is recorded? {', '.join(sorted(unsaid))}")
        assert self._office is not None or not acts

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
        lines = LineStream(stream, limit=MOST_ANSWER)
        try:
            with trio.move_on_after(ASK_SECONDS):
                frame = await lines.receive()
                await _send(lines, await self._answer({} if frame is None else frame))
        except (BadFrameError, trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # whoever asked is gone, or asked nonsense
        finally:
            with trio.move_on_after(0, shield=True):
                await lines.aclose()

    async def _answer(self, frame: Mapping[str, object]) -> dict[str, object]:
        name = frame.get("verb")
        try:
            arguments = frame.get("arguments", {})
            said = arguments if isinstance(arguments, dict) else {}
            if isinstance(name, str) and name in self._looks:
                look = self._looks[name]
                if isinstance(look, Act) and self._office is not None:
                    try:
                        return {"answer": await _act(self._office, name, look, said)}
                    finally:
                        self._office.forget()
                return {"answer": await look(said)}
            if name == NOTE and self._office is not None:
                return {"answer": await self._office.store.transact(_note, self._office, said)}
            if isinstance(name, str) and name in BY_NAME and self._office is not None:
                verb = BY_NAME[name]
                verb.read(arguments)
                done = await self._run(self._office, verb, said, confirmed=bool(frame.get("confirmed")))
                return {"answer": attrs.asdict(done, filter=_is_said)}
        except ConfirmationNeededError as exc:
            return {"question": str(exc)}
        except NanoclawError as exc:
            return {"error": str(exc)}
        await trio.lowlevel.checkpoint()
        verbs = [*self._looks, *(BY_NAME if self._office is not None else ())]
        return {"error": f"there is no verb {name!r}; there are {', '.join(verbs)}"}

    async def _run(self, office: Office, verb: Verb, said: Mapping[str, object], *, confirmed: bool) -> Answer:
        request = Request(
            now=office.clock.now(),
            mint=mint,
            operator=office.operator,
            threaded=office.threaded,
            timezone=office.timezone,
            check_mounts=office.check_mounts,
            confirmed=confirmed,
        )

        if not verb.writes:
            return await office.store.read(perform, verb, said, request)
        try:
            answer = await office.store.transact(perform, verb, said, request)
        except UsageError as exc:
            await office.store.transact(refused, verb, said, request, str(exc))
            raise
        log.info("admin_changed", verb=verb.name, said=answer.said)
        office.changed(answer.hurries)
        office.forget()
        return answer


async def _send(lines: LineStream, answer: dict[str, object]) -> None:
    """Send *answer*, or that it is too long. Raises as `LineStream.send` does otherwise."""
    try:
        if isinstance(written := answer.get("answer"), Written):
            await lines.send_text(f'{{"answer":{written.text}}}')
        else:
            await lines.send(answer)
    except BadFrameError as exc:
        await lines.send({"error": f"the answer is too long ({exc.reason}): ask for less of it"})


async def _act(office: Office, name: str, act: Act, said: Mapping[str, object]) -> object:
    """Do it between two records. What ends without the second was cut short, and is looked into by a person."""

    async def tell(outcome: Outcome, detail: str | None = None) -> None:
        await office.store.transact(
            audit.record,
            who=office.operator,
            what=name,
            on=act.subject(said) or None,
            digest=audit.digest(act.payload(said)),
            outcome=outcome,
            detail=detail,
            at=office.clock.now(),
        )

    await tell(Outcome.BEGUN)
    try:
        answer = await act.run(said)
    except StoreError:
        raise
    except UsageError as exc:
        await tell(Outcome.REFUSED, str(exc))
        raise
    except NanoclawError as exc:
        await tell(Outcome.FAILED, str(exc))
        raise
    await tell(Outcome.DONE)
    return answer


def _is_said(of: attrs.Attribute[object], _: object) -> bool:
    return of.name != "hurries"


def _note(conn: Connection, office: Office, said: Mapping[str, object]) -> None:
    """Record what the command line does itself. Raises `UsageError`."""
    what, on, digest, detail = (_text_in(said, name) for name in ("what", "on", "digest", "detail"))
    if what is None:
        raise UsageError(f"{NOTE}: what was done is missing")
    try:
        outcome = Outcome(said.get("outcome", Outcome.DONE.value))
    except ValueError:
        raise UsageError(f"{NOTE}: no such outcome") from None
    audit.record(
        conn,
        who=office.operator,
        what=what,
        on=on,
        digest=digest,
        outcome=outcome,
        detail=detail,
        at=office.clock.now(),
    )


def _text_in(said: Mapping[str, object], name: str) -> str | None:
    value = said.get(name)
    if value is not None and not isinstance(value, str):
        raise UsageError(f"{NOTE}: {name} is a text")
    return value
