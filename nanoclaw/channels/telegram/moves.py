"""Groups that became supergroups, which have other ids: to the rest of the house they keep the id they had."""

from __future__ import annotations

import json
from typing import Self

from attrs import define, field

from nanoclaw.channels.base import Marks

MARK = "moved"


@define(eq=False)
class Moves:
    """The ids that chats had, and those that they have."""

    _marks: Marks
    _now: dict[int, int] = field(factory=dict[int, int], init=False)

    async def load(self) -> Self:
        """Remember what earlier lives knew. Raises `StoreError`."""
        kept = await self._marks.get(MARK)
        self._now = {int(before): now for before, now in json.loads(kept or "{}").items()}
        return self

    async def note(self, before: int, now: int) -> None:
        """The chat *before* is called *now* from now on; a checkpoint. Raises `StoreError`."""
        if self._now.get(before) != now:
            self._now[before] = now
        await self._marks.put(MARK, json.dumps(self._now))

    def called(self, chat: int) -> str:
        """What the house calls *chat*: by its first id."""
        first = {now: before for before, now in self._now.items()}
        return str(first.get(chat, chat))

    def reached(self, platform_id: str) -> int | None:
        """The id that Telegram knows the chat by; None: the house's is no id of a chat."""
        try:
            chat = int(platform_id)
        except ValueError:
            return None
        return self._now.get(chat, chat)
