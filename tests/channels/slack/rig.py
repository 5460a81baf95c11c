"""Slack's rig for the contract suite."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from attrs import define

from nanoclaw.channels.registry import Kind
from nanoclaw.channels.slack.codec import read_id, unescape_entities
from nanoclaw.channels.slack.kind import KIND
from tests.channels.contract.putting_off import EVERY_FORM, Form, put_off
from tests.channels.contract.rig import Can, Shown, Trouble
from tests.support.fake_http import Fault, Half, Hang, Reply, Reset, reply
from tests.support.slack.server import BOT_USER, DIRECT, GENERAL, FakeSlack, open_slack, settings_for

POST = "POST /api/(chat.postMessage|files.completeUploadExternal)$"
FAULTS: Mapping[Trouble, Fault] = {
    Trouble.BUSY: Reply(status=429, headers={"retry-after": "1"}),
    Trouble.BROKEN: Reply(status=503, body=b"upstream"),
    Trouble.SILENT: Reset(),
    Trouble.LOST: Reset(accept=True),
    Trouble.CUT: Half(),
    Trouble.HANGS: Hang(),
    Trouble.HELD: Hang(accept=True),
    Trouble.TOO_LARGE: reply({"ok": False, "error": "msg_too_long"}),
    Trouble.FORBIDDEN: reply({"ok": False, "error": "not_in_channel"}),
}
CAN = frozenset(Can)
TROUBLES = frozenset(FAULTS)
FORMS = EVERY_FORM


@define(eq=False)
class SlackRig:
    """See `Rig`."""

    slack: FakeSlack
    kind: Kind = KIND
    can: frozenset[Can] = CAN
    troubles: frozenset[Trouble] = TROUBLES
    chat: str = GENERAL
    direct: str = DIRECT

    @property
    def settings(self) -> Mapping[str, str]:
        """See `Rig`."""
        return settings_for(self.slack)

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
        text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        if mention and where != DIRECT:
            text = f"<@{BOT_USER}> {text}"
        user = f"U{who.upper()}" if who.isalnum() else who
        message = await self.slack.said(text, who=user, name=name, channel=where, thread=thread, files=files)
        return f"{where}:{message['ts']}"

    async def edit(self, message: str, text: str) -> None:
        """See `Rig`."""
        channel, found, before = self._find(message)
        found |= {"text": text, "edited": {"user": found["user"], "ts": self.slack.tick()}}
        event = {"type": "message", "subtype": "message_changed", "hidden": True, "ts": self.slack.tick()}
        await self.slack.tell(
            {**event, **self.slack.where(channel), "message": dict(found), "previous_message": before}
        )

    async def delete(self, message: str) -> None:
        """See `Rig`."""
        channel, found, before = self._find(message)
        self.slack.messages[channel].remove(found)
        event = {"type": "message", "subtype": "message_deleted", "hidden": True, "ts": self.slack.tick()}
        await self.slack.tell(
            {**event, **self.slack.where(channel), "deleted_ts": found["ts"], "previous_message": before}
        )

    async def tell_again(self) -> None:
        """See `Rig`."""
        for event in list(self.slack.told):
            await self.slack.tell(event)

    def is_acknowledged(self, message: str) -> bool | None:
        """See `Rig`."""
        return self.slack.envelopes.get(message) in self.slack.socket.acknowledged

    async def drop(self) -> None:
        """See `Rig`."""
        await self.slack.socket.drop()
        await self.slack.http.drop()

    def script(self, *troubles: Trouble) -> None:
        """See `Rig`."""
        self.slack.http.fail(POST, *[FAULTS[one] for one in troubles])

    def put_off(self, form: Form, seconds: float) -> None:
        """See `Rig`."""
        self.slack.http.fail(
            POST, put_off(form, seconds, lambda seconds: Reply(status=429, headers={"retry-after": f"{seconds:.0f}"}))
        )

    def shown(self, chat: str) -> Sequence[Shown]:
        """See `Rig`."""
        return [
            Shown(
                id=f"{chat}:{one['ts']}",
                text=unescape_entities(one["text"].replace("*", "") if one["asked"].get("mrkdwn") else one["text"]),
                files={file["name"]: self.slack.files[file["url_private"]] for file in one.get("files", ())},
                thread=one.get("thread_ts"),
                pings=any(call in one["text"] for call in ("<!channel", "<!here", "<!everyone"))
                or bool(one["asked"].get("link_names"))
                or (one["asked"].get("parse") == "full" and "@channel" in one["text"]),
            )
            for one in self.slack.ours(chat)
        ]

    def _find(self, message: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
        place = read_id(message)
        assert place is not None
        found = self.slack.find(*place)
        return place[0], found, dict(found)


@asynccontextmanager
async def open_rig(_: Path) -> AsyncGenerator[SlackRig]:
    """A Slack with an app of ours."""
    async with open_slack() as slack:
        slack.page = 200
        yield SlackRig(slack)
