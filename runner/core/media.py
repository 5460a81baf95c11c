"""Which files that came with messages is a model shown as they are, besides being told their paths? Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from schema.payloads import Attachment, ChatIn, InPayload

IMAGES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
DOCUMENTS = frozenset({"application/pdf"})
_BY_ENDING = {
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
    "webp": "image/webp",
    "pdf": "application/pdf",
}
_UNSAID = frozenset({"", "application/octet-stream"})
"""What platforms say that do not know the type of a file."""
_ALIASES = {"image/jpg": "image/jpeg", "application/x-pdf": "application/pdf"}
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
            kind = _kind(file)
            fits = kind in DOCUMENTS or (kind in IMAGES and file.size <= MOST_IMAGE)
            if fits and left and 0 < file.size <= room:
                left, room = left - 1, room - file.size
                yield file, kind


def _kind(file: Attachment) -> str:
    """The type that its platform says, or that its name has where the platform says none."""
    said = (file.mime_type or "").partition(";")[0].strip().lower()
    if said in _UNSAID:
        return _BY_ENDING.get(file.name.rpartition(".")[2].lower(), "")
    return _ALIASES.get(said, said)
