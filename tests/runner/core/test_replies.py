"""What of a result is said, and to whom."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.core.causes import Causes
from runner.core.replies import (
    MOST_PIECE,
    NoAddress,
    Say,
    Silent,
    answer_command,
    begun,
    decide_replies,
    what_to_tell,
)
from runner.model import Reply
from schema.payloads import ChatOut, read_out, write
from schema.rows import OutKind


def reply(text: str, to: str | None = None) -> Reply:
    return Reply(destination=to, in_reply_to="m2", text=text)


M2 = Causes("m2")
ONE = ["room"]
TWO = ["room", "family"]


def test_with_one_destination_plain_words_are_the_reply_where_the_question_was() -> None:
    assert decide_replies("  hello \n", ONE, M2) == Say((reply("hello"),))


def test_blocks_are_messages_and_the_rest_is_scratchpad() -> None:
    result = 'Let me see. <message to="room">one</message> and <message  to="family" >\n two </message> done.'
    assert decide_replies(result, TWO, M2) == Say((reply("one", "room"), reply("two", "family")))


def test_what_was_addressed_on_the_way_is_sent_and_what_was_thought_there_is_not() -> None:
    before = 'Let me look. <message to="room">one moment</message> Now the files.'
    assert decide_replies("There are two.", ONE, M2, before=before) == Say(
        (reply("one moment", "room"), reply("There are two."))
    )
    assert decide_replies('<message to="family">two</message>', TWO, M2, before=before) == Say(
        (reply("one moment", "room"), reply("two", "family"))
    )
    assert decide_replies(None, TWO, M2, before=before) == Say((reply("one moment", "room"),))
    assert decide_replies("", TWO, M2, before="Let me look.") == Silent()


def test_what_is_said_again_at_the_end_is_sent_once() -> None:
    said = '<message to="room">two files</message>'
    assert decide_replies(f"Done. {said}", TWO, M2, before=said) == Say((reply("two files", "room"),))


@pytest.mark.parametrize("names", [[], TWO])
def test_plain_words_for_nobody_in_particular_are_not_sent(names: list[str]) -> None:
    assert decide_replies("hello", names, M2) == NoAddress()


@pytest.mark.parametrize("result", [None, "", "  ", "<internal>noted</internal>", '<message to="room"> </message>'])
def test_no_words_are_no_mistake(result: str | None) -> None:
    for names in ([], ONE, TWO):
        outcome = decide_replies(result, names, M2)
        assert outcome == Silent()
        assert what_to_tell(outcome, names) is None


def test_internal_thoughts_are_never_sent() -> None:
    result = 'a<internal>b</internal>c <internal>\nd <message to="room">e</message></internal>'
    assert decide_replies(result, ONE, M2) == Say((reply("ac"),))
    assert decide_replies('<message to="room">x<internal>y</internal>z</message>', TWO, M2) == Say(
        (reply("xz", "room"),)
    )


def test_a_thought_that_is_left_open_takes_the_rest() -> None:
    assert decide_replies("yes <internal>no", ONE, M2) == Say((reply("yes"),))


def test_a_block_that_is_left_open_runs_to_the_next_or_to_the_end() -> None:
    result = '<message to="room">one <message to="family">two'
    assert decide_replies(result, TWO, M2) == Say((reply("one", "room"), reply("two", "family")))


def test_a_block_for_an_unknown_name_is_lost_and_told() -> None:
    result = '<message to="room">a</message><message to="rom">b</message><message to="rom">c</message>'
    outcome = decide_replies(result, TWO, M2)
    assert outcome == Say((reply("a", "room"),), ("rom",))
    told = what_to_tell(outcome, TWO)
    assert told is not None
    assert "Part of your answer" in told
    assert "rom." in told
    assert "family, room" in told


def test_blocks_for_unknown_names_alone_reach_nobody_even_with_one_destination() -> None:
    outcome = decide_replies('before <message to="rom">b</message>', ONE, M2)
    assert outcome == NoAddress(("rom",))
    assert "there is no destination rom" in (what_to_tell(outcome, ONE) or "")


def test_an_agent_without_destinations_is_told_that_it_has_none() -> None:
    assert "nobody you may write to" in (what_to_tell(NoAddress(), []) or "")


def test_all_well_is_not_worth_a_word() -> None:
    assert what_to_tell(Say((reply("a"),)), ONE) is None


def test_too_long_a_text_comes_in_pieces() -> None:
    outcome = decide_replies("x" * (MOST_PIECE + 1), ONE, Causes())
    assert isinstance(outcome, Say)
    assert [len(reply.text) for reply in outcome.replies] == [MOST_PIECE, 1]


def test_the_longest_piece_fits_into_a_row_however_it_is_written() -> None:
    longest = ChatOut(text="\1" * MOST_PIECE)
    assert read_out(OutKind.CHAT, write(longest)) == longest


def test_each_message_answers_what_came_from_where_it_goes() -> None:
    causes = Causes("m8", {"room": "m4"})
    words = '<message to="room">a</message><message to="family">b</message>'
    outcome = decide_replies(words, TWO, causes)
    assert isinstance(outcome, Say)
    assert [(one.destination, one.in_reply_to) for one in outcome.replies] == [("room", "m4"), ("family", "m8")]
    assert decide_replies("hi", ONE, causes) == Say((Reply(destination=None, in_reply_to="m8", text="hi"),))


def test_what_comes_of_a_command_is_said_as_it_is_and_nothing_is_a_word() -> None:
    assert answer_command(' <message to="x">4', "/cost", "m2") == (reply('<message to="x">4'),)
    assert answer_command(None, "/compact keep it", "m2") == (reply("/compact: done."),)


@pytest.mark.parametrize(
    ("text", "names", "expected"),
    [
        ("", ONE, None),
        ("Wor", ONE, (None, "Wor")),
        ("Wor", TWO, None),
        ("Hello <messa", ONE, (None, "Hello")),
        ('Hello <message to="ro', ONE, (None, "Hello")),
        ('Hello <message to="room">', TWO, None),
        ('Hello <message to="room">you', TWO, ("room", "you")),
        ('Hello <message to="mum">you', TWO, None),
        ('<message to="room">a</message> and <message to="family">b</mess', TWO, ("family", "b")),
        ("a<internal>b", ONE, (None, "a")),
        ("a \ud800", ONE, (None, "a \ufffd")),
    ],
)
def test_what_is_begun_is_shown_as_far_as_it_is_known_whom_it_is_for(
    text: str, names: list[str], expected: tuple[str | None, str] | None
) -> None:
    assert begun(text, names) == expected


WORDS = st.lists(
    st.sampled_from(
        ['<message to="room">', '<message to="nobody">', "</message>", "<internal>", "</internal>", "hello", "\ud800"]
    )
    | st.text(max_size=4)
).map("".join)


@given(WORDS, st.lists(st.sampled_from(["room", "family", "work"]), unique=True))
def test_whatever_a_model_says_only_sendable_words_reach_known_names(result: str, names: list[str]) -> None:
    outcome = decide_replies(result, names, M2)
    if isinstance(outcome, Say):
        assert outcome.replies
        for one in outcome.replies:
            assert one.destination in names or (one.destination is None and len(names) == 1)
            assert one.in_reply_to == "m2"
            assert one.text.strip()
            one.text.encode()
    assert (what_to_tell(outcome, names) is None) == (
        isinstance(outcome, Silent) or (isinstance(outcome, Say) and not outcome.unknown)
    )
