"""What is asked of the Bot API to show a message (core.telegram.org/bots/api, "Available methods"). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nanoclaw.channels.base import Outgoing
from nanoclaw.channels.dialects import plain, telegram_html
from nanoclaw.core.parts import Limits, Unit
from nanoclaw.core.splitting import split
from nanoclaw.model.messages import Address

MOST_TEXT = 4_096
MOST_SENT_BYTES = 50 << 20
LIMITS = Limits(text=MOST_TEXT, unit=Unit.UTF16, files=1, file_bytes=MOST_SENT_BYTES, both=False)
"""One file in a message: what has arrived is known for each, and a caption holds only 1,024."""
NO_PREVIEW = {"is_disabled": True}


def measure(text: str) -> int:
    """Units of UTF-16 that *text* has, in whichever of its forms is the longest: as HTML, plain, or as it is."""
    forms = (telegram_html.seen(telegram_html.render(text)), plain.render(text), text)
    return max(len(form.encode("utf-16-le", "surrogatepass")) // 2 for form in forms)


def cut(message: Outgoing, text: str) -> tuple[str, ...]:
    """*text* in pieces that Telegram takes; one, but for questions and edits that are longer than a message."""
    return split(text, most=MOST_TEXT, measure=measure, literal=message.speaker is None)


def place(to: Address, chat: int) -> dict[str, Any]:
    """Where it goes."""
    found: dict[str, Any] = {"chat_id": chat}
    if to.thread_id is not None and to.thread_id.isdecimal():
        found["message_thread_id"] = int(to.thread_id)
    return found


def answering(message: Outgoing, chat: int) -> dict[str, Any]:
    """What the first part of a message in a group answers. With one person, that is plain."""
    answered = number_in(message.answers, chat)
    if answered is None or message.part or chat > 0:
        return {}
    return {"reply_parameters": {"message_id": answered, "allow_sending_without_reply": True}}


def number_in(platform_message_id: str | None, chat: int) -> int | None:
    """The number of a message in *chat*; None: it is none of its messages."""
    where, _, number = (platform_message_id or "").partition("/")
    return int(number) if where == str(chat) and number.isdecimal() else None


def words(message: Outgoing, text: str) -> dict[str, Any]:
    """Text as HTML, or sign for sign where the host itself says it."""
    body: dict[str, Any] = {"text": text, "link_preview_options": NO_PREVIEW}
    if message.speaker is not None and (rendered := telegram_html.render(text)).strip():
        body |= {"text": rendered, "parse_mode": "HTML"}
    return body


def without_markup(body: Mapping[str, Any], text: str) -> dict[str, Any]:
    """The same message, for when Telegram does not understand the markup."""
    bare = {name: value for name, value in body.items() if name != "parse_mode"}
    return {**bare, "text": plain.render(text).strip() or text}


def card(title: str, description: str) -> str:
    """A card as Markdown: its title is a heading."""
    return f"# {' '.join(title.split())}\n\n{description}" if title.strip() else description
