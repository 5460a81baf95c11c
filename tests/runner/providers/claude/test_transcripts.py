"""Conversations as Markdown: what is kept of a transcript, under which name."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.core.prompt import Message, Prompt, TaskDue, render
from runner.providers.claude.transcripts import (
    MOST_PARAGRAPH,
    Conversation,
    Kept,
    Spoken,
    archive,
    file_name,
    read_conversation,
    to_markdown,
)
from schema.payloads import Attachment

NOW = datetime(2026, 11, 26, 12, 34, tzinfo=UTC)


def user(content: object, **more: object) -> str:
    return json.dumps({"type": "user", "message": {"role": "user", "content": content}, **more})


def model(text: str) -> str:
    return json.dumps({"type": "assistant", "message": {"content": [{"type": "text", "text": text}]}})


def spoken(*lines: str) -> list[tuple[str, str]]:
    return [(one.who, one.text) for one in read_conversation(lines, assistant="Nano").spoken]


def test_what_people_and_the_model_said_is_kept_in_order() -> None:
    assert spoken(user("hello"), model("Good morning."), user([{"type": "text", "text": "bye"}])) == [
        ("User", "hello"),
        ("Nano", "Good morning."),
        ("User", "bye"),
    ]


def test_what_tools_were_told_and_said_is_not() -> None:
    call = {"type": "assistant", "message": {"content": [{"type": "tool_use", "name": "Bash", "input": {}}]}}
    result = user([{"type": "tool_result", "tool_use_id": "1", "content": "42"}])
    assert spoken(json.dumps(call), result) == []


@pytest.mark.parametrize("mark", ["isMeta", "isSidechain", "isCompactSummary"])
def test_what_nobody_said_is_not(mark: str) -> None:
    assert spoken(user("nobody's words", **{mark: True})) == []


def test_only_what_was_said_since_the_last_compaction_is_kept() -> None:
    boundary = json.dumps({"type": "system", "subtype": "compact_boundary"})
    assert spoken(user("long ago"), boundary, user("just now")) == [("User", "just now")]


def test_lines_that_are_none_are_passed_over() -> None:
    assert spoken("", "{", "[1]", '"x"', json.dumps({"type": "user"}), user(7), user("hello")) == [("User", "hello")]


def test_a_prompt_of_ours_is_told_by_who_said_what() -> None:
    file = Attachment(name="dot.png", path="/in/dot.png", mime_type="image/png", size=3)
    said = Message(id=2, source="room", sender="Rui & Co", time=NOW, text="look", attachments=(file,))
    due = TaskDue(id=4, source="room", time=NOW, prompt="water the plants")
    prompt = render(Prompt(timezone="UTC", now=NOW, items=(said, due)))
    assert spoken(user(prompt)) == [("Rui & Co", "look\n[dot.png]"), ("Task", "water the plants")]


def test_the_page_has_a_title_a_time_and_a_paragraph_for_each() -> None:
    text = to_markdown(Conversation("Tea\nand  cake", (Spoken("Rui", "hello"), Spoken("Nano", "hi"))), NOW)
    assert text == "# Tea and cake\n\nArchived: 2026-11-26 12:34 UTC\n\n---\n\n**Rui**: hello\n\n**Nano**: hi\n"


def test_a_long_paragraph_is_cut_and_shows_it() -> None:
    text = to_markdown(Conversation(None, (Spoken("Rui", "x" * (MOST_PARAGRAPH + 1)),)), NOW)
    assert text.endswith(f"{'x' * (MOST_PARAGRAPH - 1)}…\n")


@pytest.mark.parametrize(
    ("title", "number", "name"),
    [
        ("Tea & cake", 1, "2026-11-26-tea-cake.md"),
        ("Tea & cake", 2, "2026-11-26-tea-cake-2.md"),
        ("../../etc/passwd", 1, "2026-11-26-etc-passwd.md"),
        (None, 1, "2026-11-26-conversation-1234.md"),
        ("…", 1, "2026-11-26-conversation-1234.md"),
    ],
)
def test_a_file_is_called_by_its_day_and_title(title: str | None, number: int, name: str) -> None:
    assert file_name(title, NOW, number) == name


@given(st.none() | st.text())
def test_a_name_is_always_one_of_a_file_in_the_folder(title: str | None) -> None:
    name = file_name(title, NOW)
    assert Path(name).name == name
    assert len(name) < 80


def test_an_archive_never_takes_the_place_of_another(tmp_path: Path) -> None:
    transcript = tmp_path / "t.jsonl"
    transcript.write_text("\n".join([json.dumps({"type": "summary", "summary": "Tea"}), user("hello")]))
    made = [archive(transcript, tmp_path / "kept", assistant="Nano", now=NOW) for _ in range(3)]
    paths = [kept.path for kept in made if kept is not None]
    assert [path.name for path in paths] == [
        "2026-11-26-tea.md",
        "2026-11-26-tea-2.md",
        "2026-11-26-tea-3.md",
    ]
    assert all("**User**: hello" in path.read_text() for path in paths)


def test_an_archive_of_which_no_compaction_came_is_replaced_by_the_next(tmp_path: Path) -> None:
    transcript, folder = tmp_path / "t.jsonl", tmp_path / "kept"

    def kept(last: Kept | None, *lines: str) -> Kept | None:
        transcript.write_text("\n".join(lines))
        return archive(transcript, folder, assistant="Nano", now=NOW, last=last)

    first = kept(None, user("hello"))
    second = kept(first, user("hello"), model("Good morning."))
    assert [path.name for path in folder.iterdir()] == ["2026-11-26-conversation-1234.md"]
    assert "Good morning." in next(folder.iterdir()).read_text()
    kept(second, user("hello"), json.dumps({"type": "system", "subtype": "compact_boundary"}), user("and now?"))
    assert len(list(folder.iterdir())) == 2


def test_where_nothing_was_said_nothing_is_written(tmp_path: Path) -> None:
    transcript = tmp_path / "t.jsonl"
    transcript.write_text("")
    assert archive(transcript, tmp_path / "kept", assistant="Nano", now=NOW) is None
    assert not (tmp_path / "kept").exists()
