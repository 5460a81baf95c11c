"""Makes inputs for the provider: of messages, of commands, of what the runner itself has to say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from attrs import frozen

from runner.core.media import shown
from runner.core.prompt import SystemResponse, notice, prompt_of, render
from runner.core.under_way import Put
from runner.model import Zone
from runner.providers.base import Input, Media
from schema.files import INBOX, SANDBOX_IN
from schema.rows import Destination

UNADDRESSED = "unaddressed"
SESSION_LOST = "session_lost"
LOST = (
    "What was said before this is gone: your earlier conversation could not be opened again. Your files are as they"
    " were. Answer what follows as if nothing had happened; the people you talk with need not know."
)


@frozen
class Prompting:
    """Knows what prompts are made with."""

    _zone: Zone
    _now: Callable[[], datetime]
    _files: str = f"{SANDBOX_IN}/{INBOX}"
    """Where the files that came with messages lie."""

    def notice(self, action: str, text: str, input_id: str) -> Input:
        """What the runner itself has to say."""
        return Input(id=input_id, text=render(notice(action, text, self._now(), self._zone)))

    def input_of(self, put: Put, destinations: Sequence[Destination], *, session_lost: bool = False) -> Input:
        """What is said for *put*, with *destinations* as they are now; and that what was said before is lost."""
        if put.command is not None:
            return Input(id=put.id, text=put.command)
        if put.reminder is not None:
            return self.notice(UNADDRESSED, put.reminder, put.id)
        before = [SystemResponse(time=self._now(), action=SESSION_LOST, text=LOST)] if session_lost else []
        prompt = prompt_of(put.rows, destinations, self._now(), self._zone, inbox=self._files, before=before)
        media = [
            Media(path=f"{self._files}/{file.path}" if self._files else file.path, mime_type=kind)
            for file, kind in shown(incoming.payload for incoming in put.rows)
        ]
        return Input(id=put.id, text=render(prompt), media=tuple(media))
