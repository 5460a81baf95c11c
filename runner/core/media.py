"""Which files that came with messages is a model shown as they are, besides being told their paths? Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from schema.payloads import Attachment, ChatIn, InPayload

IMAGES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
DOCUMENTS = frozenset({"application/pdf"})
MOST_IMAGE = 3_750_000
"""Bytes of one image: 5 MB as base64, which is what a model takes."""
MOST_BYTES = 20_000_000
"""Of all together: a request may have 32 MB, and base64 makes four bytes of three."""
MOST_FILES = 20


def shown(payloads: Iterable[InPayload]) -> Iterator[tuple[Attachment, str]]:
    """The attachments of *payloads* that are shown, with their types: the first ones, as far as there is room."""
    left, room = MOST_FILES, MOST_BYTES
    for payload in payloads:
        for file in payload.attachments if isinstance(payload, ChatIn) else ():
            kind = (file.mime_type or "").partition(";")[0].strip().lower()
            fits = kind in DOCUMENTS or (kind in IMAGES and file.size <= MOST_IMAGE)
            if fits and left and 0 < file.size <= room:
                left, room = left - 1, room - file.size
                yield file, kind
