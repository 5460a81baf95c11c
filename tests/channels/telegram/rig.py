"""Telegram for the contract suite."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio
from attrs import define, field

from nanoclaw.channels.registry import Kind
from nanoclaw.channels.telegram.kind import KIND
from tests.channels.contract.putting_off import EVERY_FORM, Form, put_off
from tests.channels.contract.rig import Can, Shown, Trouble
from tests.support.fake_http import reply
from tests.support.telegram.fake import GROUP, TOKEN, FakeTelegram, open_telegram

PEOPLE = 5000
ADA = PEOPLE + 1
CAN = frozenset(Can) - {Can.DELETIONS}
TROUBLES = frozenset(Trouble)
FORMS = EVERY_FORM


@define(eq=False)
class TelegramRig:
    """A `Rig`."""

    fake: FakeTelegram
    kind: Kind = field(default=KIND, init=False)
    can: frozenset[Can] = field(default=CAN, init=False)
    troubles: frozenset[Trouble] = field(default=TROUBLES, init=False)
    chat: str = field(default=str(GROUP), init=False)
    direct: str = field(default=str(ADA), init=False)
    _said: dict[str, tuple[int, dict[str, Any]]] = field(factory=dict[str, tuple[int, dict[str, Any]]], init=False)
    _people: dict[str, int] = field(factory=lambda: {"ada": ADA}, init=False)

    @property
    def settings(self) -> Mapping[str, str]:
        return {"token": TOKEN, "in_doubt": "send-again", "url": self.fake.http.url}

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
        await trio.lowlevel.checkpoint()
        person = self._people.setdefault(who, PEOPLE + 1 + len(self._people))
        sender = {"id": person, "is_bot": False, "first_name": name, "username": name}
        where = int(chat if chat is not None else self.chat)
        more: dict[str, Any] = {} if thread is None else {"message_thread_id": int(thread), "is_topic_message": True}
        more |= _words(text, mention=mention and where < 0, caption=bool(files))
        first = None
        for number, (file, data) in enumerate((files or {}).items()):
            # An album is a message for each file, and its words are the first one's caption.
            key = f"file{len(self.fake.files)}"
            self.fake.files[key] = data
            document = {"file_id": key, "file_unique_id": key, "file_name": file, "file_size": len(data)}
            words = more if not number else {k: v for k, v in more.items() if "caption" not in k}
            first = first or self._tell(self.fake.message(where, sender, **words, document=document))
        return first or self._tell(self.fake.message(where, sender, **more))

    def _tell(self, message: dict[str, Any]) -> str:
        key = f"{message['chat']['id']}/{message['message_id']}"
        self._said[key] = (self.fake.tell("message", message), message)
        return key

    async def edit(self, message: str, text: str) -> None:
        await trio.lowlevel.checkpoint()
        _, said = self._said[message]
        mention = bool(said.get("entities"))
        self.fake.tell("edited_message", {**said, **_words(text, mention=mention, caption=False), "edit_date": 1})

    async def delete(self, message: str) -> None:
        raise NotImplementedError("bots are not told")

    async def tell_again(self) -> None:
        await trio.lowlevel.checkpoint()
        self.fake.again = True
        self.fake.wake()

    def is_acknowledged(self, message: str) -> bool | None:
        return self._said[message][0] < self.fake.confirmed

    async def drop(self) -> None:
        await self.fake.drop()

    def script(self, *troubles: Trouble) -> None:
        self.fake.troubles += [trouble.value for trouble in troubles]

    def put_off(self, form: Form, seconds: float) -> None:
        """See `Rig`."""
        self.fake.http.fail(
            "POST .*/send",
            put_off(
                form,
                seconds,
                lambda seconds: reply(
                    {"ok": False, "error_code": 429, "parameters": {"retry_after": round(seconds)}}, 429
                ),
            ),
        )

    def shown(self, chat: str) -> Sequence[Shown]:
        return [
            Shown(
                id=f"{one['chat']}/{one['id']}",
                text=one["text"],
                files=one["files"],
                thread=None if one["thread"] is None else str(one["thread"]),
            )
            for one in self.fake.shown
            if str(one["chat"]) == chat
        ]


def _words(text: str, *, mention: bool, caption: bool) -> dict[str, Any]:
    entities = [{"type": "mention", "offset": 0, "length": 9}] if mention else []
    field = "caption" if caption else "text"
    said: dict[str, Any] = {field: f"@nano_bot {text}" if mention else text}
    return {**said, "caption_entities" if caption else "entities": entities}


@asynccontextmanager
async def open_rig(_: Path) -> AsyncGenerator[TelegramRig]:
    """See `OpenRig`."""
    async with open_telegram() as fake:
        yield TelegramRig(fake)
