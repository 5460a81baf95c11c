"""Drafts on Telegram: with one person a preview that Telegram itself streams; elsewhere a message that is changed.

A preview (`sendMessageDraft`) is gone after half a minute without news, or once the message is there: nobody takes it
away. In a group a bot may say twenty things a minute, and a change counts as one.
"""

from __future__ import annotations

import hashlib
from typing import Any

import trio
from attrs import define

from nanoclaw.channels.dialects.telegram_html import render
from nanoclaw.channels.live_drafts import Shown, fitting
from nanoclaw.channels.telegram.api import BAD_REQUEST, Api, Refused
from nanoclaw.channels.telegram.moves import Moves
from nanoclaw.channels.telegram.saying import MOST_TEXT, NO_PREVIEW, measure, place
from nanoclaw.model.messages import Address

GROUP_SECONDS = 5.0
"""Between two changes in a group: what is said there besides needs room."""
PREVIEW = "preview"
"""The id of a draft that nobody has to take away."""


def slower(to: Address) -> float:
    """Seconds that are to lie between two changes there. The ids of groups are negative."""
    return GROUP_SECONDS if to.platform_id.startswith("-") else 0.0


@define(eq=False)
class DraftBoard:
    """A `Board`."""

    _api: Api
    _moves: Moves

    async def post(self, to: Address, key: str, text: str) -> str:
        """See `Board`."""
        chat = self._chat(to)
        if chat > 0:
            number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:4]) >> 1 | 1
            await self._call("sendMessageDraft", chat, {**place(to, chat), "draft_id": number, **_words(text)})
            return f"{PREVIEW}{number}"
        body = {**place(to, chat), **_words(text), "link_preview_options": NO_PREVIEW, "disable_notification": True}
        posted = await self._call("sendMessage", chat, body)
        match posted:
            case {"message_id": int(own)}:
                return str(own)
            case _:
                raise self._api.error("it does not say what it posted")

    async def change(self, to: Address, message: str, text: str) -> None:
        """See `Board`."""
        chat = self._chat(to)
        if message.startswith(PREVIEW):
            number = int(message.removeprefix(PREVIEW))
            await self._call("sendMessageDraft", chat, {**place(to, chat), "draft_id": number, **_words(text)})
            return
        body = {"chat_id": chat, "message_id": int(message), **_words(text), "link_preview_options": NO_PREVIEW}
        await self._call("editMessageText", chat, body)

    async def remove(self, to: Address, message: str) -> None:
        """See `Board`."""
        if message.startswith(PREVIEW):
            await trio.lowlevel.checkpoint()
            return
        chat = self._chat(to)
        outcome = await self._api.ask(
            "deleteMessage", {"chat_id": chat, "message_id": int(message)}, route=f"drafts:{chat}"
        )
        if isinstance(outcome, Refused) and outcome.status != BAD_REQUEST:  # it is gone, or too old to be taken away
            raise outcome.error

    async def find(self, _: Shown) -> str | None:
        """None: Telegram shows a bot nothing that it has sent."""
        await trio.lowlevel.checkpoint()
        return None

    async def _call(self, method: str, chat: int, body: dict[str, Any]) -> Any:
        return await self._api.call(method, body, route=f"drafts:{chat}")

    def _chat(self, to: Address) -> int:
        chat = self._moves.reached(to.platform_id)
        if chat is None:
            raise self._api.error("there is no such chat")
        return chat


def _words(text: str) -> dict[str, Any]:
    return {"text": render(fitting(text, MOST_TEXT, measure)), "parse_mode": "HTML"}
