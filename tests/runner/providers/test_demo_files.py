"""The demo and files: it says what it got, and sends what is asked for."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from runner.core.prompt import Message, Prompt, render
from runner.providers.base import Event, Init, Input, Result, SendFile, Taken
from runner.providers.demo import DemoProvider
from runner.providers.demo_script import MOST_FILE
from schema.payloads import Attachment
from tests.runner.link import NOW


async def events(text: str, *files: Attachment) -> tuple[list[Event], list[bytes]]:
    """What the demo does about a message, and the bytes of each file it sends."""
    message = Message(id=2, source="room", sender="Ada", time=NOW, text=text, attachments=files)
    prompt = Input(id="1", text=render(Prompt(timezone="UTC", now=NOW, items=(message,))))
    found: list[Event] = []
    sent: list[bytes] = []
    async with DemoProvider(agent="Nano").query(prompt, None, "") as query:
        while not isinstance(event := await query.next_event(), Result):
            assert event is not None
            if isinstance(event, SendFile):
                sent.append(Path(event.path).read_bytes())  # noqa: ASYNC240 - a test, and a small file
            if not isinstance(event, Init | Taken):
                found.append(event)
        found.append(event)
    return found, sent


def attached(path: Path, data: bytes) -> Attachment:
    path.write_bytes(data)
    return Attachment(name="a.bin", path=str(path), size=len(data))


async def test_it_says_what_it_got(tmp_path: Path) -> None:
    (result,), _ = await events("", attached(tmp_path / "x", b"bytes"))
    digest = hashlib.sha256(b"bytes").hexdigest()[:16]
    assert result == Result(f"I got a.bin (5 bytes, sha256 {digest}).")


async def test_it_answers_the_words_that_came_along(tmp_path: Path) -> None:
    (result,), _ = await events("hello", attached(tmp_path / "x", b"bytes"))
    assert isinstance(result, Result)
    assert result.text is not None
    assert "I got a.bin" in result.text
    assert "“hello” to you too" in result.text


async def test_a_file_that_is_not_there_is_called_unreadable() -> None:
    (result,), _ = await events("", Attachment(name="a", path="/no/such/file", size=1))
    assert result == Result("I got a (1 bytes, sha256 unreadable).")


async def test_it_sends_back_what_it_got(tmp_path: Path) -> None:
    (event, result), (sent,) = await events("Send it back!", attached(tmp_path / "x", b"bytes"))
    assert isinstance(event, SendFile)
    assert (event.name, event.to, sent, result) == ("a.bin", "room", b"bytes", Result(""))
    assert event.text.endswith("Here it is again.")


@pytest.mark.parametrize(("text", "size"), [("send me a file", 2_000), ("Send me a file, ", 2_000), ("file 5", 5)])
async def test_it_makes_a_file_and_says_what_is_in_it(text: str, size: int) -> None:
    (event, _), (sent,) = await events(text)
    assert isinstance(event, SendFile)
    assert len(sent) == size
    assert event.text == f"Here is demo.bin ({size} bytes, sha256 {hashlib.sha256(sent).hexdigest()[:16]})."
    assert not Path(event.path).exists(), "what it made is gone"  # noqa: ASYNC240 - a test


@pytest.mark.parametrize("text", ["file", "file 0", f"file {MOST_FILE + 1}", "file x", "send it back"])
async def test_anything_else_is_said_back(text: str) -> None:
    (result,), sent = await events(text)
    assert isinstance(result, Result)
    assert sent == []
