"""The running house on an open page: sent once a second, as long as somebody looks at it and may."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NoReturn

import trio
from attrs import define, field

from nanoclaw.channels.web.truth import Truth
from nanoclaw.core.conversations import Person
from nanoclaw.errors import StoreError

EVERY_SECONDS = 1.0


@define(eq=False)
class Watch:
    """That of one page."""

    _truth: Truth
    _person: Person
    _send: Callable[[dict[str, object]], Awaitable[None]]
    _send_text: Callable[[str], Awaitable[None]]
    _wanted: trio.Event = field(factory=trio.Event, init=False)

    def turn(self, *, on: bool) -> None:
        """Somebody looks from now on, or no more. Never blocks."""
        if on:
            self._wanted.set()
        elif self._wanted.is_set():
            self._wanted = trio.Event()

    async def run(self) -> NoReturn:
        """Send it while it is wanted, until cancelled. Whoever loses the right to see it is sent no more."""
        while True:
            await self._wanted.wait()
            try:
                if await self._truth.may_look(self._person):
                    found = await self._truth.house()
                    await self._send_text(f'{{"type":"house",{found.text.removeprefix("{")}')
                else:
                    self.turn(on=False)
            except StoreError as exc:
                await self._send({"type": "trouble", "why": str(exc)})
            await trio.sleep(EVERY_SECONDS)
