"""What a reply begins with, while it is being written: at most two rows a second, and none once it is said."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import NoReturn

import trio
from attrs import define, field

from runner.core.replies import begun
from runner.core.text import one_line
from runner.inbox import Inbox, patiently
from runner.outbox import Outbox
from schema.progress import Draft

SECONDS = 0.5
"""Between two rows."""
MOST_TEXT = 8_000
"""Characters of a draft: nobody reads more of what is being written."""
MOST_NAME = 200


@define(eq=False)
class Drafting:
    """The draft of the reply that is under way, if there is one."""

    _inbox: Inbox
    _outbox: Outbox
    _now: Callable[[], datetime]
    _reply: str | None = field(default=None, init=False)
    _answers: Callable[[str | None], str | None] = field(default=lambda _: None, init=False)
    _pieces: list[str] = field(factory=list[str], init=False)
    _tool: str | None = field(default=None, init=False)
    _changed: trio.Event = field(factory=trio.Event, init=False)

    def begin(self, reply: str, answers: Callable[[str | None], str | None]) -> None:
        """A reply is under way; *answers* says which message words for a destination answer."""
        self._reply = self._reply or reply
        self._answers = answers

    def text(self, piece: str) -> None:
        """More words of it."""
        self._pieces.append(piece)
        self._tool = None
        self._changed.set()

    def tool(self, name: str) -> None:
        """A tool has started: what was said before it was no part of the reply."""
        self._pieces.clear()
        self._tool = one_line(name, MOST_NAME) or None
        self._changed.set()

    def over(self) -> None:
        """It is said, or will not be. Whoever says so removes the row."""
        self._reply = self._tool = None
        self._pieces.clear()

    async def run(self) -> NoReturn:
        """Write rows until cancelled. Raises `SqliteError`."""
        while True:
            await self._changed.wait()
            self._changed = trio.Event()
            names = [destination.name for destination in await patiently(self._inbox.destinations)]
            # While that was read, the reply may have been said.
            self._write(names)
            await trio.sleep(SECONDS)

    def _write(self, names: list[str]) -> None:
        found = begun("".join(self._pieces), names)
        if self._reply is None or (found is None and self._tool is None):
            return
        to, text = found or (None, "")
        self._outbox.draft(
            Draft(
                reply=self._reply,
                destination=to,
                in_reply_to=self._answers(to),
                text=text[:MOST_TEXT],
                tool=self._tool,
                updated_at=self._now(),
            )
        )
