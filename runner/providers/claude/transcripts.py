"""Conversations kept as Markdown in the agent's folder, before the model's memory of them is shortened.

A transcript is JSON lines, as the command line writes them. What was said before its last compaction was kept then.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import count
from pathlib import Path

from attrs import frozen

from runner.core.prompt import Message, Prompt, QuestionAnswered, SystemResponse, TaskDue, WebhookCall, parse
from runner.errors import MarkupError

FOLDER = "conversations"
MOST_PARAGRAPH = 2_000
"""Characters."""
MOST_SLUG = 50
MOST_LINE = 4 << 20
"""Characters of a line that is looked at: a longer one holds a file, not words."""


@frozen
class Spoken:
    """Who said what."""

    who: str
    text: str


@frozen
class Conversation:
    """What was said since the last compaction."""

    title: str | None
    spoken: tuple[Spoken, ...]


@frozen
class Kept:
    """A file, and what is in it."""

    path: Path
    conversation: Conversation


def archive(transcript: Path, folder: Path, *, assistant: str, now: datetime, last: Kept | None = None) -> Kept | None:
    """Write *transcript* into *folder*, made if need be; the new file, or None if nothing was said.

    *last* is what was kept last. Where that is how this one begins, no compaction came of it, and its file is replaced.

    Raises:
      OSError: the one cannot be read, or the other not be written.
    """
    with transcript.open(encoding="utf-8", errors="replace") as lines:
        found = read_conversation(lines, assistant=assistant)
    if not found.spoken:
        return None
    folder.mkdir(exist_ok=True)
    text = to_markdown(found, now)
    if last is not None and found.spoken[: len(last.conversation.spoken)] == last.conversation.spoken:
        replacement = last.path.with_suffix(".part")
        replacement.write_text(text, encoding="utf-8")
        return Kept(replacement.rename(last.path), found)
    for number in count(1):
        path = folder / file_name(found.title, now, number)
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            continue
        return Kept(path, found)
    raise AssertionError("numbers do not end")


def read_conversation(lines: Iterable[str], *, assistant: str) -> Conversation:
    """What was said after the last compaction in a transcript. Lines that are none of it are passed over."""
    title: str | None = None
    spoken: list[Spoken] = []
    for entry in _entries(lines):
        match entry:
            case {"type": "system", "subtype": "compact_boundary"}:
                spoken.clear()
            case {"type": "summary", "summary": str(found)} | {"type": "ai-title", "aiTitle": str(found)}:
                title = found
            case {"isMeta": True} | {"isSidechain": True} | {"isCompactSummary": True}:
                continue
            case {"type": "user", "message": {"content": content}}:
                spoken.extend(_heard(_words(content)))
            case {"type": "assistant", "message": {"content": content}}:
                if said := _words(content):
                    spoken.append(Spoken(assistant, said))
            case _:
                continue
    return Conversation(title, tuple(spoken))


def to_markdown(conversation: Conversation, archived: datetime) -> str:
    """The text of the file."""
    title = " ".join((conversation.title or "").split()) or f"Conversation of {archived:%Y-%m-%d %H:%M}"
    paragraphs = [f"**{one.who}**: {_cut(one.text)}" for one in conversation.spoken]
    return "\n\n".join([f"# {title}", f"Archived: {archived:%Y-%m-%d %H:%M %Z}", "---", *paragraphs]) + "\n"


def file_name(title: str | None, archived: datetime, number: int = 1) -> str:
    """Its name. *number* tells one from others of the same day and title."""
    slug = re.sub(r"[^a-z0-9]+", "-", (title or "").lower()).strip("-")[:MOST_SLUG].strip("-")
    again = "" if number == 1 else f"-{number}"
    return f"{archived:%Y-%m-%d}-{slug or f'conversation-{archived:%H%M}'}{again}.md"


def _entries(lines: Iterable[str]) -> Iterator[dict[str, object]]:
    for line in lines:
        if len(line) > MOST_LINE:
            continue
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            continue  # the last line may be half written
        if isinstance(entry, dict):
            yield entry


def _words(content: object) -> str:
    """The text in the content of a message, without what tools were told and said."""
    if isinstance(content, str):
        return content.strip()
    blocks = content if isinstance(content, list) else []
    found = [block["text"] for block in blocks if isinstance(block, dict) and block.get("type") == "text"]
    return "\n\n".join(text.strip() for text in found if isinstance(text, str)).strip()


def _heard(text: str) -> Iterator[Spoken]:
    """Who said what in *text*, which may be a prompt of ours."""
    if not text:
        return
    try:
        prompt = parse(text)
    except MarkupError:
        yield Spoken("User", text)
        return
    yield from _items(prompt)


def _items(prompt: Prompt) -> Iterator[Spoken]:
    for item in prompt.items:
        match item:
            case Message(sender=sender, text=text, attachments=files):
                names = "".join(f"\n[{file.name}]" for file in files)
                yield Spoken(sender, f"{text}{names}")
            case TaskDue(prompt=text):
                yield Spoken("Task", text)
            case WebhookCall(caller=caller, event=event):
                yield Spoken(caller, event)
            case QuestionAnswered(sender=sender, question=question, label=label):
                yield Spoken(sender, f"{label}\n[in answer to: {question}]")
            case SystemResponse(action=action, text=text):
                yield Spoken("System", f"{action}: {text}")


def _cut(text: str) -> str:
    return text if len(text) <= MOST_PARAGRAPH else f"{text[: MOST_PARAGRAPH - 1]}…"
