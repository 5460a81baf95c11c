"""Drafts on Slack: messages that are changed while a reply is written, in the thread where it will stand."""

from __future__ import annotations

from attrs import define

from nanoclaw.channels.dialects.slack_mrkdwn import render
from nanoclaw.channels.live_drafts import Shown, fitting
from nanoclaw.channels.slack import saying
from nanoclaw.channels.slack.api import Api, RefusedError
from nanoclaw.model.messages import Address

LEEWAY_SECONDS = 60
LOOK_PAGES = 2


@define(eq=False)
class DraftBoard:
    """A `Board`. A draft has its key with it, as messages have theirs."""

    _api: Api

    async def post(self, to: Address, key: str, text: str) -> str:
        """See `Board`."""
        return await self._api.post_message(saying.draft(to, key, _words(text)), route=f"drafts {to.platform_id}")

    async def change(self, to: Address, message: str, text: str) -> None:
        """See `Board`."""
        await self._api.update_message(saying.new_draft(to, message, _words(text)), route=f"drafts {to.platform_id}")

    async def remove(self, to: Address, message: str) -> None:
        """See `Board`."""
        try:
            await self._api.delete_message(to.platform_id, message)
        except RefusedError as exc:
            if exc.word != "message_not_found":
                raise

    async def find(self, shown: Shown) -> str | None:
        """The one with that key."""
        since = f"{max(shown.begun - LEEWAY_SECONDS, 0)}.000000"
        for one in await self._api.after(shown.chat, shown.thread, since, most=LOOK_PAGES):
            kept = one.metadata
            if kept is not None and kept.event_type == saying.DRAFT and kept.event_payload.get("key") == shown.key:
                return one.ts
        return None


def _words(text: str) -> str:
    return render(fitting(text, saying.MOST_CHARACTERS, lambda some: len(render(some))))
