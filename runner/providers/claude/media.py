"""Files of the inbox as the model sees them itself: pictures and PDFs, in the message they came with.

What is not of a kind or size that the model takes stays a path in the prompt, and so does a file that is not what it
says it is: a picture that the model cannot read would spoil every later request of its conversation.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

from runner.logs import log
from runner.providers.base import Input, Media

MOST_IMAGE = 3_750_000
"""Bytes: 5 MB as base64, which is what the model takes at most."""
MOST_PDF = 10_000_000
MOST_BYTES = 15_000_000
"""Of one message: a request may have 32 MB, and the conversation is in it too."""

PDF = "application/pdf"
IMAGES: dict[str, Callable[[bytes], bool]] = {
    "image/png": lambda content: content.startswith(b"\x89PNG\r\n\x1a\n"),
    "image/jpeg": lambda content: content.startswith(b"\xff\xd8\xff"),
    "image/gif": lambda content: content.startswith((b"GIF87a", b"GIF89a")),
    "image/webp": lambda content: content[:4] == b"RIFF" and content[8:12] == b"WEBP",
}


def content_of(given: Input) -> str | list[dict[str, object]]:
    """The content of the message that *given* becomes: its text, and behind it every file that can be shown."""
    blocks: list[dict[str, object]] = []
    room = MOST_BYTES
    for media in given.media:
        content = _read(media, room)
        if content is None:
            continue
        room -= len(content)
        kind = "document" if media.mime_type == PDF else "image"
        source = {"type": "base64", "media_type": media.mime_type, "data": base64.b64encode(content).decode("ascii")}
        blocks.append({"type": kind, "source": source})
    return [{"type": "text", "text": given.text}, *blocks] if blocks else given.text


def _read(media: Media, room: int) -> bytes | None:
    """The bytes of a file that can be shown; None for any other, and the log says why."""
    most = {PDF: MOST_PDF}.get(media.mime_type, MOST_IMAGE if media.mime_type in IMAGES else 0)
    if most == 0:
        return None
    try:
        with Path(media.path).open("rb") as file:
            content = file.read(min(most, room) + 1)
    except OSError as exc:
        log("media_not_shown", path=media.path, why=str(exc))
        return None
    if len(content) > min(most, room):
        log("media_not_shown", path=media.path, why="too large")
        return None
    if not _is_what_it_says(content, media.mime_type):
        log("media_not_shown", path=media.path, why=f"not {media.mime_type}")
        return None
    return content


def _is_what_it_says(content: bytes, mime_type: str) -> bool:
    return content.startswith(b"%PDF-") if mime_type == PDF else IMAGES[mime_type](content)
