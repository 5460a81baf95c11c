"""The demo and files: it says what it got, and sends what is asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from runner.core.items import Message, Prompt
from runner.core.prompt import render
from runner.providers.base import Input, Result
from runner.providers.demo import DemoProvider
from runner.providers.demo_script import MOST_FILE
from runner.tools.base import Answer
from schema.payloads import Attachment
from tests.runner.link import NOW
from tests.runner.recording_tools import RecordingTools


@frozen(kw_only=True)
class Sent:
    """A file that was sent, as it was then."""

    path: str
    name: str
    text: str
    to: str
    content: bytes


async def events(text: str, *files: Attachment) -> tuple[Result, list[Sent]]:
    """What the demo says about a message, and each file that it sends."""
    message = Message(id=2, source="room", sender="Ada", time=NOW, text=text, attachments=files)
    prompt = Input(id="1", text=render(Prompt(timezone="UTC", now=NOW, items=(message,))))
    sent: list[Sent] = []

    def take(name: str, arguments: Mapping[str, Any]) -> Answer:
        assert name == "send_file"
        content = Path(arguments["path"]).read_bytes()
        sent.append(
            Sent(
                path=arguments["path"],
                name=arguments["filename"],
                text=arguments["text"],
                to=arguments["to"],
                content=content,
            )
        )
        return Answer("Sent.")

    async with DemoProvider(agent="Nano", toolbox=RecordingTools(take)).query(prompt, None, "") as query:
        while not isinstance(event := await query.next_event(), Result):
            assert event is not None
    return event, sent


def attached(path: Path, data: bytes) -> Attachment:
    path.write_bytes(data)
    return Attachment(name="a.bin", path=str(path), size=len(data))


async def test_it_says_what_it_got(tmp_path: Path) -> None:
    result, _ = await events("", attached(tmp_path / "x", b"bytes"))
    digest = hashlib.sha256(b"bytes").hexdigest()[:16]
    assert result == Result(f"I got a.bin (5 bytes, sha256 {digest}).", continuation="1")


async def test_it_answers_the_words_that_came_along(tmp_path: Path) -> None:
    result, _ = await events("hello", attached(tmp_path / "x", b"bytes"))
    assert result.text is not None
    assert "I got a.bin" in result.text
    assert "“hello” to you too" in result.text


async def test_a_file_that_is_not_there_is_called_unreadable() -> None:
    result, _ = await events("", Attachment(name="a", path="/no/such/file", size=1))
    assert result == Result("I got a (1 bytes, sha256 unreadable).", continuation="1")


async def test_it_sends_back_what_it_got(tmp_path: Path) -> None:
    result, (sent,) = await events("Send it back!", attached(tmp_path / "x", b"bytes"))
    assert (sent.name, sent.to, sent.content, result) == ("a.bin", "room", b"bytes", Result("", continuation="1"))
    assert sent.text.endswith("Here it is again.")


@pytest.mark.parametrize(("text", "size"), [("send me a file", 2_000), ("Send me a file, ", 2_000), ("file 5", 5)])
async def test_it_makes_a_file_and_says_what_is_in_it(text: str, size: int) -> None:
    _, (sent,) = await events(text)
    assert len(sent.content) == size
    assert sent.text == f"Here is demo.bin ({size} bytes, sha256 {hashlib.sha256(sent.content).hexdigest()[:16]})."
    assert not Path(sent.path).exists(), "what it made is gone"  # noqa: ASYNC240 - a test


@pytest.mark.parametrize("text", ["file", "file 0", f"file {MOST_FILE + 1}", "file x", "send it back"])
async def test_anything_else_is_said_back(text: str) -> None:
    result, sent = await events(text)
    assert (result.text or "").startswith("You said")
    assert sent == []
