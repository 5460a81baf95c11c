"""What is settled before a model hears of it: rows that nobody can read, and tasks whose script says no."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import assert_never

from attrs import define, evolve

from runner.core.gate import Broken, Open, Shut
from runner.inbox import Inbox, patiently
from runner.logs import log
from runner.model import Incoming
from runner.outbox import Outbox
from runner.scripts import SECONDS, run_script
from runner.showing import Showing
from schema.payloads import PayloadError, Task, read_in
from schema.rows import MessageIn

SCRIPT = "script"


@define(eq=False)
class Gating:
    """Lets through what a model is to hear. Its writes raise `SqliteError`."""

    _inbox: Inbox
    _outbox: Outbox
    _now: Callable[[], datetime]
    _beat: Callable[[], None]
    _showing: Showing

    async def refuse(self, rows: Sequence[MessageIn]) -> None:
        """Settle *rows*, which cannot be read, as failed."""
        reasons = {row.id: f"cannot be read: {_why(row)}" for row in rows}
        await self._settle(failed=reasons)
        log("unreadable", messages=reasons)

    async def pass_on(self, incoming: Incoming) -> Incoming | None:
        """*incoming*, with what its script found out if it is a task that has one; None: it is settled.

        A task with a script is claimed. Cancellation: the script is killed; the claim stays, and the host gives the
        task to the next life.
        """
        if not isinstance(incoming.payload, Task) or not incoming.payload.script:
            return incoming
        message_id = incoming.row.id
        self._showing.tool_started(SCRIPT, SCRIPT, timedelta(seconds=SECONDS))
        self._outbox.claim([message_id], now=self._now(), state=self._showing.state())
        self._beat()
        gate = await run_script(incoming.payload.script)
        self._beat()
        self._showing.tool_ended(SCRIPT)
        match gate:
            case Open(data):
                return evolve(incoming, script_data=data)
            case Shut(why):
                await self._settle(skipped={message_id: why})
            case Broken(why):
                await self._settle(failed={message_id: why})
            case _:
                assert_never(gate)
        log("script", message=message_id, said=why)
        return None

    async def _settle(self, *, failed: dict[str, str] | None = None, skipped: dict[str, str] | None = None) -> None:
        above = await patiently(self._inbox.highest_seq)
        self._outbox.settle(
            failed=failed,
            skipped=skipped,
            state=self._showing.state(),
            keep_drafts=True,
            above=above,
            now=self._now(),
        )


def _why(row: MessageIn) -> str:
    try:
        read_in(row.kind, row.content)
    except PayloadError as exc:
        return str(exc)
    return "it can be read now"
