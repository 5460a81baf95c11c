"""What tests of tools need: tools, and a look at what they wrote."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from attrs import frozen

from runner.inbox import Inbox
from runner.model import Incoming
from runner.outbox import Outbox
from runner.tools.base import Answer
from runner.tools.desk import Desk
from runner.tools.toolbox import AgentTools
from schema.payloads import OutPayload, SystemIn, read_out
from schema.rows import InKind, OutKind, Phase
from tests.runner.link import NOW, Link


@frozen
class Bench:
    """Tools, and both sides of their link."""

    link: Link
    outbox: Outbox
    tools: AgentTools
    waits: dict[str, Phase]
    """What the turn waits for."""

    @classmethod
    def over(cls, link: Link, inbox: Inbox, outbox: Outbox) -> Bench:
        """One whose questions are all called q-1."""
        made = cls(link, outbox, AgentTools(Desk(inbox, outbox, cls.now, 7, lambda: "q-1")), {})
        made.tools.shown_by(made)
        return made

    def begin_wait(self, who: str, phase: Phase) -> None:
        """Note it."""
        self.waits[who] = phase

    def end_wait(self, who: str) -> None:
        """Forget it."""
        del self.waits[who]

    @staticmethod
    def now() -> datetime:
        """Always the same."""
        return NOW

    async def call(self, name: str, **arguments: object) -> Answer:
        """Call a tool that must not refuse."""
        answer = await self.tools.call(name, arguments)
        assert not answer.failed, answer.text
        return answer

    async def refused(self, name: str, arguments: Mapping[str, object]) -> str:
        """Call a tool that must refuse and write nothing; returns why."""
        before = self.written()
        answer = await self.tools.call(name, arguments)
        assert answer.failed
        assert self.written() == before
        return answer.text

    def written(self) -> list[tuple[str | None, str | None, OutPayload]]:
        """All that was said: to whom, what it answers, and the words."""
        return [
            (
                None if row["destination"] is None else str(row["destination"]),
                None if row["in_reply_to"] is None else str(row["in_reply_to"]),
                read_out(OutKind(row["kind"]), str(row["content"])),
            )
            for row in self.link.messages()
        ]

    def tell(self, row_id: str, payload: SystemIn) -> None:
        """Let the host's row come, and be found by the turn loop."""
        row = self.link.say(payload, kind=InKind.SYSTEM, message_id=row_id)
        assert self.tools.awaits(row.id)
        self.tools.answer(Incoming(row=row, payload=payload))
