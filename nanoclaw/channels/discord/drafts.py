"""Drafts on Discord: messages that are changed while a reply is written, in the place where it will stand."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from attrs import define

from nanoclaw.channels.dialects.discord_markdown import render
from nanoclaw.channels.discord.api import Api, RefusedError
from nanoclaw.channels.discord.places import Places
from nanoclaw.channels.discord.saying import MOST_CHARACTERS, draft_body, length
from nanoclaw.channels.live_drafts import WRITING, Shown, fitting
from nanoclaw.errors import DeliveryError
from nanoclaw.model.messages import Address

EPOCH_SECONDS = 1_420_070_400
"""When Discord's ids begin (discord.com/developers/docs/reference, snowflakes)."""
GONE = frozenset({10003, 10008})
LEEWAY_SECONDS = 60


@define(eq=False)
class DraftBoard:
    """A `Board`. The id of a draft has that of the channel or thread in front, where it was posted."""

    _api: Api
    _places: Places
    _where: Callable[[Api, Address, str], Awaitable[str]]

    async def post(self, to: Address, key: str, text: str) -> str:
        """See `Board`."""
        try:
            where = await self._where(self._api, to, text)
            posted = await self._api.create_draft(where, draft_body(_words(text)))
        except RefusedError as exc:
            raise exc.failure from None
        return f"{where}/{posted.id}"

    async def change(self, to: Address, message: str, text: str) -> None:
        """See `Board`."""
        where, _, number = message.partition("/")
        try:
            await self._api.edit_draft(where, number, draft_body(_words(text)))
        except RefusedError as exc:
            raise exc.failure from None

    async def remove(self, to: Address, message: str) -> None:
        """See `Board`."""
        where, _, number = message.partition("/")
        try:
            await self._api.delete_message(where, number)
        except RefusedError as exc:
            if exc.code not in GONE:
                raise exc.failure from None

    async def find(self, shown: Shown) -> str | None:
        """Ours, with the same words and the sign that it is being written, since it was begun."""
        since = max(shown.begun - LEEWAY_SECONDS - EPOCH_SECONDS, 0) * 1_000 << 22
        wanted, me = _words(shown.text + WRITING), self._places.me
        for where in filter(None, (shown.thread, shown.chat)):
            try:
                found = await self._api.after(where, str(since))
            except RefusedError:
                continue  # there is no such thread
            for one in found:
                if me is not None and one.author is not None and one.author.id == me.id and one.content == wanted:
                    return f"{where}/{one.id}"
        if me is None:
            raise DeliveryError(channel=self._api.platform.channel, why="we do not know who we are", retryable=True)
        return None


def _words(text: str) -> str:
    return render(fitting(text, MOST_CHARACTERS, lambda some: length(render(some))))
