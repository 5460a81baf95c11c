"""Tools that say something: the row each writes, and the words in which it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.core.replies import MOST_PIECE
from runner.model import Posting, Reply
from schema.files import MOST_FILE_BYTES
from schema.payloads import Card, ChatOut, Edit, Reaction, SystemIn, Task
from schema.rows import DeliveredStatus, InKind
from tests.runner.link import NOW
from tests.runner.tools.bench import Bench


async def test_a_message_is_on_the_disk_when_the_tool_answers_and_says_its_number(bench: Bench) -> None:
    assert (await bench.call("send_message", text="on it")).text == "Sent to room (id: 3)."
    assert bench.written() == [(None, "m2", ChatOut(text="on it"))]
    assert (await bench.call("send_message", text="there", to="room")).text == "Sent to room (id: 5)."
    assert bench.written()[1] == ("room", "m2", ChatOut(text="there"))


async def test_numbers_go_on_from_what_the_host_knows(bench: Bench) -> None:
    bench.link.set_meta(seq_floor=40)
    assert (await bench.call("send_message", text="a")).text.endswith("(id: 41).")
    bench.outbox.settle([Reply(destination=None, in_reply_to=None, text="b")], above=40, now=NOW)
    assert (await bench.call("send_message", text="c")).text.endswith("(id: 45).")


async def test_rights_are_read_anew_with_each_call(bench: Bench) -> None:
    why = await bench.refused("send_message", {"text": "a", "to": "family"})
    assert why == "There is no destination 'family'. You can write to: room."
    bench.link.set_destinations("room", "family")
    await bench.call("send_message", text="a", to="family")


async def test_without_a_place_to_answer_to_the_name_has_to_be_said(bench: Bench) -> None:
    bench.link.set_routing(None)
    bench.tools.current = None
    await bench.call("send_message", text="a")
    assert bench.written() == [("room", None, ChatOut(text="a"))]
    bench.link.set_destinations("room", "family")
    why = await bench.refused("send_message", {"text": "a"})
    assert why == "Say who it is for. You can write to: family, room."
    bench.link.set_destinations()
    assert await bench.refused("send_message", {"text": "a"}) == "There is nobody you may write to."


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({}, "text is missing."),
        ({"text": "  "}, "text must not be empty."),
        ({"text": "a" * (MOST_PIECE + 1)}, f"text has {MOST_PIECE + 1:,} characters; {MOST_PIECE:,} are the most."),
        ({"text": "a", "destination": "room"}, "There is no parameter destination. There are: text, to."),
    ],
)
async def test_a_message_that_makes_no_sense_is_refused(bench: Bench, arguments: dict[str, object], why: str) -> None:
    assert await bench.refused("send_message", arguments) == why


def reply(destination: str | None, text: str) -> Reply:
    return Reply(destination=destination, in_reply_to="m2", text=text)


async def test_what_was_sent_in_a_turn_is_known_until_it_ends(bench: Bench) -> None:
    bench.link.set_destinations("room", "family")
    spoken = [bench.tools.has_spoken]
    await bench.call("send_message", text=" Done. ")
    spoken.append(bench.tools.has_spoken)
    for again in (reply(None, "Done."), reply("room", "Done.\n")):
        assert await bench.tools.was_sent(again)
    for other in (reply("family", "Done."), reply("room", "Done"), reply("nowhere", "Done.")):
        assert not await bench.tools.was_sent(other)
    assert bench.tools.end_turn() == ()
    assert [*spoken, bench.tools.has_spoken] == [False, True, False]
    assert not await bench.tools.was_sent(reply("room", "Done."))


async def test_a_chat_that_has_no_name_can_be_answered_all_the_same(bench: Bench) -> None:
    bench.link.set_destinations("family")
    assert (await bench.call("send_message", text="a")).text == "Sent to the chat you are answering (id: 3)."
    assert await bench.tools.was_sent(reply(None, "a"))
    assert not await bench.tools.was_sent(reply("family", "a"))


async def test_a_file_goes_as_it_is_now_under_a_safe_name(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "made"
    path.write_text("before")
    answer = await bench.call("send_file", path=str(path), text="look", filename="../../etc/plan.txt")
    path.write_text("after")
    assert answer.text == "../../etc/plan.txt sent to room (id: 3)."
    assert bench.written() == [(None, "m2", ChatOut(text="look", files=("plan.txt",)))]
    assert (bench.link.out / "outbox" / "out-3" / "plan.txt").read_text() == "before"


async def test_a_path_may_be_relative_to_the_working_directory(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.txt").write_text("a")
    monkeypatch.chdir(tmp_path)
    await bench.call("send_file", path="a.txt", to="room")
    assert bench.written() == [("room", "m2", ChatOut(text="", files=("a.txt",)))]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("missing", "missing was not sent: No such file or directory."),
        ("", " was not sent: "),
        ("folder", "is no file."),
        ("large", "is larger than 25 MiB."),
    ],
)
async def test_a_file_that_cannot_be_sent_is_refused_and_leaves_nothing(
    bench: Bench, tmp_path: Path, name: str, why: str
) -> None:
    (tmp_path / "folder").mkdir()
    with (tmp_path / "large").open("wb") as file:
        file.truncate(MOST_FILE_BYTES + 1)
    assert why in await bench.refused("send_file", {"path": str(tmp_path / name) if name else "\x00"})
    staged = bench.link.out / "outbox" / ".staged"
    assert not staged.exists() or list(staged.iterdir()) == []


async def test_an_edit_names_the_message_by_its_number(bench: Bench) -> None:
    await bench.call("send_message", text="one")
    assert (await bench.call("edit_message", message_id=3, text="two")).text == "The new text of #3 is on its way."
    assert bench.written()[1] == (None, "m2", Edit(seq=3, text="two"))


async def test_an_edit_finds_messages_of_earlier_epochs(bench: Bench) -> None:
    bench.link.deliver("out-1", 1)
    await bench.call("edit_message", message_id="#1", text="two")


async def test_a_reaction_names_a_message_of_either_side(bench: Bench) -> None:
    await bench.call("send_message", text="one")
    for seq in (2, 3):
        await bench.call("add_reaction", message_id=seq, emoji="thumbs_up")
    assert [payload for _, _, payload in bench.written()[1:]] == [
        Reaction(seq=2, emoji="thumbs_up"),
        Reaction(seq=3, emoji="thumbs_up"),
    ]


async def test_what_cannot_be_edited_or_reacted_to_is_said(bench: Bench) -> None:
    bench.link.say(SystemIn(action="x", text="y"), kind=InKind.SYSTEM)  # 4
    bench.link.say(Task(prompt="tea"), kind=InKind.TASK)  # 6
    bench.link.deliver("out-7", 7, DeliveredStatus.FAILED)
    bench.outbox.say(Posting(destination=None, in_reply_to=None, payload=Reaction(seq=2, emoji="x")), above=8, now=NOW)
    unknown = "There is no message #99, or it is too old. Numbers stand in the id of what you are told."
    for seq, edit, react in (
        (2, "#2 is not yours; you can edit only what you have sent.", None),
        (4, "#4 is not yours; you can edit only what you have sent.", "#4 is not a message in a chat."),
        (6, "#6 is not yours; you can edit only what you have sent.", "#6 is not a message in a chat."),
        (7, "#7 was never delivered.", "#7 was never delivered."),
        (9, "#9 has no text of its own; you can edit only messages.", "#9 is not a message in a chat."),
        (99, unknown, unknown),
    ):
        assert await bench.refused("edit_message", {"message_id": seq, "text": "x"}) == edit
        if react is not None:
            assert await bench.refused("add_reaction", {"message_id": seq, "emoji": "x"}) == react


@pytest.mark.parametrize("emoji", ["two words", "\x1b[2J", "a\n", "a" * 65])
async def test_an_emoji_is_one_word(bench: Bench, emoji: str) -> None:
    assert "emoji" in await bench.refused("add_reaction", {"message_id": 2, "emoji": emoji})


@pytest.mark.parametrize("emoji", ["👍", "thumbs_up", "👩\u200d🚒", "❤\ufe0f", "+1"])
async def test_an_emoji_is_itself_or_its_name(bench: Bench, emoji: str) -> None:
    await bench.call("add_reaction", message_id=2, emoji=emoji)


async def test_a_card_has_words_for_platforms_without_cards(bench: Bench) -> None:
    await bench.call("send_card", title="Tea", description="Green")
    await bench.call("send_card", title="Tea", fallback="tea!", to="room")
    assert bench.written() == [
        (None, "m2", Card(title="Tea", description="Green", fallback="Tea\n\nGreen")),
        ("room", "m2", Card(title="Tea", fallback="tea!")),
    ]
    assert (await bench.refused("send_card", {"title": "a", "to": "x"})).startswith("There is no destination 'x'.")


async def test_a_tool_that_is_not_there_is_said_with_those_that_are(bench: Bench) -> None:
    why = await bench.refused("Bash", {"command": "true"})
    assert why.startswith("There is no tool 'Bash'. There are: send_message, ")
