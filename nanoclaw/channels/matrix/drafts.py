"""Drafts on Matrix: a notice that is changed while a reply is written, and redacted once the reply stands there.

A homeserver keeps one event for each transaction id, so a draft that may have been sent is found by sending it again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable

from attrs import define

from nanoclaw.channels.live_drafts import WRITING, Shown, fitting
from nanoclaw.channels.matrix import codec
from nanoclaw.channels.matrix.api import MatrixApi
from nanoclaw.channels.matrix.wire import Content
from nanoclaw.model.messages import Address

EVERY_SECONDS = 3.0
"""Between two changes: homeservers count them as messages, of which many take one in five seconds, ten at once."""


@define(eq=False)
class DraftBoard:
    """A `Board`."""

    _api: MatrixApi
    _measure: Callable[[str], int]
    _most: int
    _is_encrypted: Callable[[MatrixApi, str], Awaitable[bool]]

    async def post(self, to: Address, key: str, text: str) -> str:
        """See `Board`. Raises `DeliveryError` also in an encrypted room, in which nothing is said in the open."""
        if await self._is_encrypted(self._api, to.platform_id):
            raise self._api.platform.error("the room is encrypted", retryable=False)
        content = codec.related(self._words(text), thread=to.thread_id, answers=None)
        return await self._send(to, content, _name(key))

    async def change(self, to: Address, message: str, text: str) -> None:
        """See `Board`."""
        await self._send(to, codec.edit_content(message, self._words(text)), _name(f"{message} {text}"))

    async def remove(self, to: Address, message: str) -> None:
        """See `Board`."""
        await self._api.redact(to.platform_id, message, _name(f"{message} gone"), route=f"drafts {to.platform_id}")

    async def find(self, shown: Shown) -> str | None:
        """See `Board`. It stands there afterwards, if it did not before."""
        to = shown.at(self._api.platform.channel)
        return await self.post(to, shown.key, shown.text + WRITING)

    async def _send(self, to: Address, content: Content, key: str) -> str:
        room = to.platform_id
        return self._api.sent(await self._api.send(room, codec.MESSAGE, content, key, route=f"drafts {room}"))

    def _words(self, text: str) -> Content:
        return codec.text_content(fitting(text, self._most, self._measure), speaker="", notice=True)


def _name(text: str) -> str:
    return f"draft.{hashlib.sha256(text.encode(errors='replace')).hexdigest()[:40]}"
