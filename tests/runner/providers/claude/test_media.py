"""Which files of the inbox the model sees itself."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from runner.providers.base import Input, Media
from runner.providers.claude.media import MOST_IMAGE, MOST_PDF, content_of

START = {
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff\xe0",
    "image/gif": b"GIF89a",
    "image/webp": b"RIFF\x00\x00\x00\x00WEBP",
    "application/pdf": b"%PDF-1.7\n",
}


def given(tmp_path: Path, *files: tuple[str, bytes]) -> Input:
    """An input with files of those types and contents."""
    media = []
    for number, (mime_type, content) in enumerate(files):
        path = tmp_path / str(number)
        path.write_bytes(content)
        media.append(Media(path=str(path), mime_type=mime_type))
    return Input(id="1", text="see", media=tuple(media))


@pytest.mark.parametrize("mime_type", sorted(START))
def test_a_file_of_a_supported_kind_is_shown(tmp_path: Path, mime_type: str) -> None:
    content = START[mime_type] + b"rest"
    found = content_of(given(tmp_path, (mime_type, content)))
    kind = "document" if mime_type == "application/pdf" else "image"
    data = base64.b64encode(content).decode()
    assert found == [
        {"type": "text", "text": "see"},
        {"type": kind, "source": {"type": "base64", "media_type": mime_type, "data": data}},
    ]


@pytest.mark.parametrize(
    ("mime_type", "content"),
    [
        ("image/tiff", b"II*\x00"),
        ("text/html", b"<p>"),
        ("image/png", b"GIF89a"),
        ("application/pdf", b"\x89PNG\r\n\x1a\n"),
        ("image/png", b""),
        ("image/png", START["image/png"].ljust(MOST_IMAGE + 1)),
        ("application/pdf", START["application/pdf"].ljust(MOST_PDF + 1)),
    ],
    ids=["tiff", "html", "no-png", "no-pdf", "empty", "large-png", "large-pdf"],
)
def test_a_file_that_the_model_would_not_take_stays_a_path(tmp_path: Path, mime_type: str, content: bytes) -> None:
    assert content_of(given(tmp_path, (mime_type, content))) == "see"


def test_a_file_as_large_as_it_may_be_is_shown(tmp_path: Path) -> None:
    found = content_of(given(tmp_path, ("image/png", START["image/png"].ljust(MOST_IMAGE))))
    assert len(found) == 2


def test_a_file_that_is_not_there_stays_a_path(tmp_path: Path) -> None:
    media = Media(path=str(tmp_path / "gone"), mime_type="image/png")
    assert content_of(Input(id="1", text="see", media=(media,))) == "see"


def test_more_than_a_message_may_hold_stays_behind(tmp_path: Path) -> None:
    pdf = ("application/pdf", START["application/pdf"].ljust(MOST_PDF))
    png = ("image/png", START["image/png"] + b"rest")
    found = content_of(given(tmp_path, pdf, pdf, png))
    assert isinstance(found, list)
    assert [block["type"] for block in found] == ["text", "document", "image"]
