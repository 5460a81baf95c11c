"""What we say, as bodies of Discord's API. Pure."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from typing import Any

from nanoclaw.channels.base import Outgoing, OutgoingFile
from nanoclaw.channels.dialects.discord_markdown import literal, render
from nanoclaw.channels.discord.codec import SEPARATOR
from nanoclaw.core.notices import plain
from nanoclaw.core.speech import HOW_TO_ANSWER, ShowQuestion, numbered
from schema.payloads import Option

MOST_CHARACTERS = 2_000
"""Of a message, in code units of UTF-16: whatever Discord counts is no more."""
LONGEST_NONCE = 25
LONGEST_CUSTOM_ID = 100
IN_A_ROW = 5
NO_PREVIEWS = 1 << 2
ONLY_THEM = 1 << 6
"""The flag of an answer to a press that nobody else sees."""
MOST_THREAD_NAME = 60
SILENT = {"parse": [], "replied_user": False}
"""Nobody is called by what an agent writes: not everybody, no role, no person."""


def nonce_of(key: str) -> str:
    """The key of an attempt in as many characters as a nonce has."""
    return base64.b32encode(hashlib.sha256(key.encode()).digest()).decode()[:LONGEST_NONCE].lower()


def length(text: str) -> int:
    """In code units of UTF-16."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def content_of(message: Outgoing) -> str:
    """The words of *message* as Discord shows them: of an agent its Markdown, of the host sign for sign."""
    show = literal if message.speaker is None else render
    if isinstance(message.native, ShowQuestion) and buttons(message.native):
        asked = message.native
        head = [line for line in dict.fromkeys((asked.title, asked.text)) if line.strip()]
        return "\n".join(f"**{literal(one)}**" if one == asked.title and len(head) > 1 else show(one) for one in head)
    return show(message.text)


def message_body(message: Outgoing, content: str, *, answers: str | None) -> dict[str, Any]:
    """A new message of those words, which answers the one of that id."""
    body: dict[str, Any] = {
        "content": content,
        "nonce": nonce_of(message.key),
        "enforce_nonce": True,
        "allowed_mentions": SILENT,
        "flags": NO_PREVIEWS,
    }
    if answers is not None:
        body["message_reference"] = {"message_id": answers, "fail_if_not_exists": False}
    if isinstance(message.native, ShowQuestion) and (rows := buttons(message.native)):
        body["components"] = rows
    if message.files:
        body["attachments"] = attachments(message.files)
    return body


def edit_body(content: str) -> dict[str, Any]:
    """Other words for a message of ours. Buttons that it had are gone: what is edited has been answered."""
    return {"content": content, "allowed_mentions": SILENT, "flags": NO_PREVIEWS, "components": []}


def draft_body(content: str) -> dict[str, Any]:
    """A message that will be changed, and then taken away."""
    return {"content": content, "allowed_mentions": SILENT, "flags": NO_PREVIEWS}


def attachments(files: Sequence[OutgoingFile]) -> list[dict[str, Any]]:
    """What a message says of the files that go with it."""
    return [{"id": number, "filename": file.name} for number, file in enumerate(files)]


def buttons(asked: ShowQuestion) -> list[dict[str, Any]]:
    """The options of a question as rows of buttons; none, if one has no room for what it has to say."""
    made = [_button(asked, number, option) for number, option in enumerate(asked.options, start=1)]
    if any(len(one["custom_id"]) > LONGEST_CUSTOM_ID for one in made):
        return []
    rows = [made[start : start + IN_A_ROW] for start in range(0, len(made), IN_A_ROW)]
    return [{"type": 1, "components": row} for row in rows]


def _button(asked: ShowQuestion, number: int, option: Option) -> dict[str, Any]:
    return {
        "type": 2,
        "style": 2,
        "label": plain(option.label, 80) or str(number),
        "custom_id": f"{option.value}{SEPARATOR}{asked.question}",
    }


def thread_body(text: str) -> dict[str, Any]:
    """A thread that begins with what is answered in it."""
    return {"name": plain(text, MOST_THREAD_NAME) or "answer", "auto_archive_duration": 1440}


def pressed_body(why: str | None) -> dict[str, Any]:
    """What follows a press: nothing to be seen, or to whoever pressed *why* it came to nothing."""
    if why is None:
        return {"type": 6}
    return {"type": 4, "data": {"content": literal(why), "flags": ONLY_THEM, "allowed_mentions": SILENT}}


def words_of(asked: ShowQuestion) -> str:
    """A question in words, with its options numbered."""
    return "\n".join([asked.title, asked.text, *numbered(asked.options), HOW_TO_ANSWER])
