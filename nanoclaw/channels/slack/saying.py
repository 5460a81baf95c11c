"""What we say, as arguments of Slack's methods. Pure."""

from __future__ import annotations

from typing import Any

from nanoclaw.channels.base import Outgoing
from nanoclaw.channels.dialects.slack_mrkdwn import literal, render
from nanoclaw.channels.slack.codec import SEPARATOR
from nanoclaw.core.notices import plain
from nanoclaw.core.speech import ShowQuestion
from nanoclaw.model.messages import Address
from schema.payloads import Option

MOST_CHARACTERS = 4_000
"""Of a message; Slack cuts longer ones apart where it likes."""
MOST_SECTION = 3_000
MOST_VALUE = 2_000
EVENT = "nanoclaw_message"
"""The type of what is kept with each message, for finding it again: its key."""
DRAFT = "nanoclaw_draft"
"""The same for a message that will be taken away."""
EMOJI = {
    "👍": "+1",
    "👎": "-1",
    "👀": "eyes",
    "✅": "white_check_mark",
    "✔️": "heavy_check_mark",
    "❌": "x",
    "❤️": "heart",
    "🎉": "tada",
    "🙏": "pray",
    "👏": "clap",
    "😂": "joy",
    "😄": "smile",
    "🙂": "slightly_smiling_face",
    "😢": "cry",
    "😮": "open_mouth",
    "🤔": "thinking_face",
    "🔥": "fire",
    "🚀": "rocket",
    "💯": "100",
    "⚠️": "warning",
    "⏳": "hourglass_flowing_sand",
    "👋": "wave",
    "🤖": "robot_face",
    "💡": "bulb",
    "📌": "pushpin",
    "🙌": "raised_hands",
}
"""Slack's names of signs that agents like to use."""


def reaction_name(emoji: str) -> str:
    """Slack's name of an emoji; what is no sign of `EMOJI` is taken for a name."""
    return EMOJI.get(emoji) or EMOJI.get(f"{emoji}\ufe0f") or EMOJI.get(emoji.rstrip("\ufe0f")) or emoji.strip(":")


def text_of(message: Outgoing) -> str:
    """The words of *message*: of an agent its Markdown, of the host sign for sign."""
    return literal(message.text) if message.speaker is None else render(message.text)


def post(message: Outgoing, *, plainly: bool = False) -> dict[str, Any]:
    """The arguments of `chat.postMessage`; *plainly*: as text and nothing else."""
    body: dict[str, Any] = {
        "channel": message.to.platform_id,
        "text": literal(message.text) if plainly else text_of(message),
        "mrkdwn": message.speaker is not None and not plainly,
        "parse": "none",
        "link_names": False,
        "unfurl_links": False,
        "unfurl_media": False,
        "metadata": {"event_type": EVENT, "event_payload": {"key": message.key}},
    }
    if message.to.thread_id is not None:
        body["thread_ts"] = message.to.thread_id
    if isinstance(message.native, ShowQuestion) and not plainly and (made := blocks(message)):
        body["blocks"] = made
    return body


def update(message: Outgoing, channel: str, ts: str) -> dict[str, Any]:
    """The arguments of `chat.update`. Buttons that it had are gone: what is edited has been answered."""
    return {
        "channel": channel,
        "ts": ts,
        "text": text_of(message),
        "blocks": [],
        "parse": "none",
        "link_names": False,
    }


def draft(to: Address, key: str, text: str) -> dict[str, Any]:
    """The arguments of `chat.postMessage` for a message that will be changed, and then taken away."""
    body: dict[str, Any] = {
        "channel": to.platform_id,
        "text": text,
        "parse": "none",
        "link_names": False,
        "unfurl_links": False,
        "unfurl_media": False,
        "metadata": {"event_type": DRAFT, "event_payload": {"key": key}},
    }
    return body if to.thread_id is None else {**body, "thread_ts": to.thread_id}


def new_draft(to: Address, ts: str, text: str) -> dict[str, Any]:
    """The arguments of `chat.update` for such a message; its key stays."""
    return {"channel": to.platform_id, "ts": ts, "text": text, "parse": "none", "link_names": False}


def blocks(message: Outgoing) -> list[dict[str, Any]]:
    """A question with its options as buttons; none, where it has no room."""
    asked = message.native
    assert isinstance(asked, ShowQuestion)
    head = [line for line in dict.fromkeys((asked.title, asked.text)) if line.strip()]
    made = [_section(line, sign_for_sign=message.speaker is None) for line in head]
    buttons = [_button(asked, number, option) for number, option in enumerate(asked.options, start=1)]
    if any(len(one["text"]["text"]) > MOST_SECTION for one in made):
        return []
    if any(len(one["value"]) > MOST_VALUE for one in buttons):
        return []
    return [*made, {"type": "actions", "elements": buttons}]


def _section(text: str, *, sign_for_sign: bool) -> dict[str, Any]:
    if sign_for_sign:
        return {"type": "section", "text": {"type": "plain_text", "text": literal(text), "emoji": False}}
    return {"type": "section", "text": {"type": "mrkdwn", "text": render(text), "verbatim": True}}


def _button(asked: ShowQuestion, number: int, option: Option) -> dict[str, Any]:
    return {
        "type": "button",
        "text": {"type": "plain_text", "text": plain(option.label, 75) or str(number), "emoji": False},
        "action_id": f"answer-{number}",
        "value": f"{option.value}{SEPARATOR}{asked.question}",
    }
