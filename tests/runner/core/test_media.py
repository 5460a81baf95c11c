"""Which files a model is shown as they are."""

from __future__ import annotations

import pytest

from runner.core.media import MOST_BYTES, MOST_FILES, MOST_IMAGE, shown
from schema.payloads import Attachment, ChatIn, Task


def file(size: int, kind: str | None = "image/png", name: str = "a") -> Attachment:
    return Attachment(name=name, path="m/a", mime_type=kind, size=size)


def chosen(*files: Attachment) -> list[tuple[int, str]]:
    said = ChatIn(text="", sender="Ada", sender_id="c:1", attachments=files)
    return [(one.size, kind) for one, kind in shown([Task(prompt="x"), said])]


@pytest.mark.parametrize("kind", ["image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf"])
def test_images_and_documents_are_shown(kind: str) -> None:
    assert chosen(file(5, f"{kind.upper()}; x=y")) == [(5, kind)]


@pytest.mark.parametrize("kind", [None, "", "image/tiff", "text/plain", "video/mp4"])
def test_nothing_else_is(kind: str | None) -> None:
    assert chosen(file(5, kind)) == []


@pytest.mark.parametrize(
    ("said", "name", "kind"),
    [
        (None, "Scan.PDF", "application/pdf"),
        ("application/octet-stream", "a.b.webp", "image/webp"),
        ("image/jpg", "a", "image/jpeg"),
        (" ; x", "a.jpeg", "image/jpeg"),
    ],
)
def test_where_the_platform_says_no_type_the_name_does(said: str | None, name: str, kind: str) -> None:
    assert chosen(file(5, said, name)) == [(5, kind)]


@pytest.mark.parametrize(("said", "name"), [("text/plain", "a.png"), ("image/svg+xml", "a.png"), (None, "png.txt")])
def test_what_the_platform_says_comes_before_the_name(said: str | None, name: str) -> None:
    assert chosen(file(5, said, name)) == []


def test_what_is_too_large_is_only_named() -> None:
    assert chosen(file(MOST_IMAGE), file(MOST_IMAGE + 1), file(0)) == [(MOST_IMAGE, "image/png")]
    assert chosen(file(MOST_IMAGE + 1, "application/pdf")) == [(MOST_IMAGE + 1, "application/pdf")]
    assert chosen(file(MOST_BYTES + 1, "application/pdf"), file(7)) == [(7, "image/png")]


def test_together_they_are_not_more_than_a_request_takes() -> None:
    assert sum(size for size, _ in chosen(*[file(MOST_IMAGE)] * 9)) <= MOST_BYTES
    assert len(chosen(*[file(1)] * 30)) == MOST_FILES
