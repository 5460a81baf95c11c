"""Discord's rig for the contract suite."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from attrs import define

from nanoclaw.channels.discord.kind import KIND
from nanoclaw.channels.registry import Kind
from tests.channels.contract.putting_off import EVERY_FORM, Form, put_off
from tests.channels.contract.rig import Can, Shown, Trouble
from tests.support.discord.server import BOT, DIRECT, EDITED, GENERAL, FakeDiscord, open_discord, settings_for
from tests.support.fake_http import Fault, Half, Hang, Reset, reply

POST = r"POST /api/v10/channels/\w+/messages$"
FAULTS: Mapping[Trouble, Fault] = {
    Trouble.BUSY: reply(
        {"message": "You are being rate limited.", "retry_after": 0.2, "global": False},
        429,
        x_ratelimit_reset_after="0.2",
        x_ratelimit_scope="user",
    ),
    Trouble.BROKEN: reply({"message": "502: Bad Gateway", "code": 0}, 502),
    Trouble.SILENT: Reset(),
    Trouble.LOST: Reset(accept=True),
    Trouble.CUT: Half(),
    Trouble.HANGS: Hang(),
    Trouble.HELD: Hang(accept=True),
    Trouble.TOO_LARGE: reply({"message": "Request entity too large", "code": 40005}, 413),
    Trouble.FORBIDDEN: reply({"message": "Missing Access", "code": 50001}, 403),
}
CAN = frozenset(Can)
TROUBLES = frozenset(FAULTS)
FORMS = EVERY_FORM


@define(eq=False)
class DiscordRig:
    """See `Rig`."""

    discord: FakeDiscord
    kind: Kind = KIND
    can: frozenset[Can] = CAN
    troubles: frozenset[Trouble] = TROUBLES
    chat: str = GENERAL
    direct: str = DIRECT

    @property
    def settings(self) -> Mapping[str, str]:
        """See `Rig`."""
        return settings_for(self.discord)

    async def say(
        self,
        text: str,
        *,
        who: str = "ada",
        name: str = "Ada",
        chat: str | None = None,
        thread: str | None = None,
        mention: bool = True,
        files: Mapping[str, bytes] | None = None,
    ) -> str:
        """See `Rig`."""
        where = chat or GENERAL
        more: dict[str, Any] = {}
        if mention and where != DIRECT:
            text, more = f"<@{BOT}> {text}", {"mentions": [{"id": BOT, "username": "nano", "bot": True}]}
        if thread is not None and thread not in self.discord.channels:
            await self.discord.begin_thread(thread, where)
        message = await self.discord.said(text, who=who, name=name, channel=thread or where, files=files, **more)
        return str(message["id"])

    async def edit(self, message: str, text: str) -> None:
        """See `Rig`."""
        found = self.discord.find(message)
        found |= {"content": text, "edited_timestamp": EDITED}
        await self.discord.gateway.dispatch("MESSAGE_UPDATE", found)

    async def delete(self, message: str) -> None:
        """See `Rig`."""
        found = self.discord.find(message)
        self.discord.messages[found["channel_id"]].remove(found)
        gone: dict[str, Any] = {key: found[key] for key in ("id", "channel_id", "guild_id") if key in found}
        await self.discord.gateway.dispatch("MESSAGE_DELETE", gone)

    async def tell_again(self) -> None:
        """See `Rig`."""
        told = [one for one in self.discord.gateway.told if one["t"].startswith("MESSAGE_")]
        # What was told again already is not told again for that.
        for event in {id(one["d"]): one for one in told}.values():
            await self.discord.gateway.dispatch(event["t"], event["d"])

    def is_acknowledged(self, message: str) -> bool | None:
        """See `Rig`: what is safe is said when a session is resumed, and not before."""
        return None

    async def drop(self) -> None:
        """See `Rig`."""
        await self.discord.gateway.drop()
        await self.discord.http.drop()

    def script(self, *troubles: Trouble) -> None:
        """See `Rig`."""
        self.discord.http.fail(POST, *[FAULTS[one] for one in troubles])

    def put_off(self, form: Form, seconds: float) -> None:
        """See `Rig`."""
        self.discord.http.fail(
            POST,
            put_off(
                form,
                seconds,
                lambda seconds: reply(
                    {"message": "You are being rate limited.", "retry_after": seconds, "global": False}, 429
                ),
            ),
        )

    def shown(self, chat: str) -> Sequence[Shown]:
        """See `Rig`."""
        threads = [one["id"] for one in self.discord.channels.values() if one.get("parent_id") == chat]
        ours = [one for place in (chat, *threads) for one in self.discord.ours(place)]
        return [self._shown(chat, one) for one in sorted(ours, key=lambda one: int(one["id"]))]

    def _shown(self, chat: str, message: Mapping[str, Any]) -> Shown:
        text = message["content"]
        loud = "everyone" in message["allowed_mentions"]["parse"] and re.search("@everyone|@here", text)
        return Shown(
            id=message["id"],
            text=re.sub(r"\\([^A-Za-z0-9\s])", r"\1", text.replace("**", "")),
            files={one["filename"]: self._data(one) for one in message["attachments"]},
            thread=None if message["channel_id"] == chat else message["channel_id"],
            pings=bool(loud),
        )

    def _data(self, attachment: Mapping[str, Any]) -> bytes:
        return self.discord.files[attachment["url"].removeprefix(self.discord.http.url)]


@asynccontextmanager
async def open_rig(_: Path) -> AsyncGenerator[DiscordRig]:
    """A Discord with a bot of ours."""
    async with open_discord() as discord:
        yield DiscordRig(discord)
