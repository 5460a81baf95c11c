"""A call that was heard to its end: verified, read, and made an event; or nothing, with the reason. Pure.

Who speaks is the source, which its secret vouches for. Whoever a call names, as sender or otherwise, is a word in it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TypeAlias, assert_never

from attrs import frozen

from nanoclaw.channels.webhook import github, linear
from nanoclaw.channels.webhook.signatures import Headers, Refused, is_timely, untimely, verify
from nanoclaw.channels.webhook.sources import Source, Template
from nanoclaw.channels.webhook.wording import Nothing, Told, at, cut, line, lines, titled
from nanoclaw.core.notices import visible
from nanoclaw.model.ids import ChannelName, UserId
from nanoclaw.model.messages import InboundEvent
from schema import strict_json

MOST_SHOWN = 8_000
"""Characters of a text, or of a call that is shown as it came."""


@frozen
class Untold:
    """It is from whom it says, and agents are not told of it."""

    why: str


Read: TypeAlias = InboundEvent | Untold | Refused


def read(channel: ChannelName, source: Source, headers: Headers, body: bytes, now: datetime) -> Read:
    """What comes of the call of *source* with that head, which was judged, and that *body*."""
    name = verify(source, headers, body)
    if name is None:
        return Refused(status=401, why="its signature is not right: is the secret the same at both ends?")
    try:
        call = strict_json.read(body.decode())
    except UnicodeDecodeError:
        return Refused(status=400, why="its body is no UTF-8")
    except strict_json.JsonError as exc:
        return Refused(status=400, why=f"its body cannot be read: {exc}")
    if source.template is Template.LINEAR and not _is_timely(call, now):
        return untimely()
    told = _tell(source, headers, call)
    if isinstance(told, Nothing):
        return Untold(told.why)
    return InboundEvent(
        channel=channel,
        platform_message_id=f"{source.name}/{name}",
        platform_id=source.name,
        mention=True,
        is_group=True,
        chat_name=f"{source.name} ({source.template.title})",
        sender_id=UserId(f"{channel}:{source.name}"),
        sender=source.name if source.template is Template.GENERIC else source.template.title,
        text=told,
    )


def _tell(source: Source, headers: Headers, call: object) -> Told:
    match source.template:
        case Template.GITHUB:
            return github.tell(headers.get("x-github-event", ""), call)
        case Template.LINEAR:
            return linear.tell(call)
        case Template.GENERIC:
            return _generic(call)
        case _:
            assert_never(source.template)


def _generic(call: object) -> Told:
    """Its `title` and `text`, if it has such, which are the source's own words; else all of it, as it came."""
    text = next((name for name in ("text", "message") if isinstance(at(call, name), str)), None)
    if text is not None and isinstance(call, Mapping):
        said = cut(visible(str(at(call, text))).strip(), MOST_SHOWN)
        return lines(titled(line(call, "title")), said, line(call, "url")) or Nothing("it says nothing")
    shown = cut(visible(json.dumps(call, ensure_ascii=False, indent=1)), MOST_SHOWN)
    return "\n".join(f"    {one}" for one in shown.split("\n"))


def _is_timely(call: object, now: datetime) -> bool:
    sent = at(call, "webhookTimestamp")
    return isinstance(sent, int | float) and not isinstance(sent, bool) and is_timely(sent / 1000, now)
