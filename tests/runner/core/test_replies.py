"""What of a result is said, and to whom."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.core.replies import MOST_PIECE, NoAddress, Say, Silent, decide_replies, what_to_tell
from runner.model import Reply
from schema.payloads import ChatOut, read_out, write
from schema.rows import OutKind


def reply(text: str, to: str | None = None) -> Reply:
    return Reply(destination=to, in_reply_to="m2", text=text)


ONE = ["room"]
TWO = ["room", "family"]


def test_with_one_destination_plain_words_are_the_reply_where_the_question_was() -> None:
    assert decide_replies("  hello \n", ONE, "m2") == Say((reply("hello"),))


def test_blocks_are_messages_and_the_rest_is_scratchpad() -> None:
    result = 'Let me see. <message to="room">one</message> and <message  to="family" >\n two </message> done.'
    assert decide_replies(result, TWO, "m2") == Say((reply("one", "room"), reply("two", "family")))


@pytest.mark.parametrize("names", [[], TWO])
def test_plain_words_for_nobody_in_particular_are_not_sent(names: list[str]) -> None:
    assert decide_replies("hello", names, "m2") == NoAddress()


@pytest.mark.parametrize("result", [None, "", "  ", "<internal>noted</internal>", '<message to="room"> </message>'])
def test_no_words_are_no_mistake(result: str | None) -> None:
    for names in ([], ONE, TWO):
        outcome = decide_replies(result, names, "m2")
        assert outcome == Silent()
        assert what_to_tell(outcome, names) is None


def test_internal_thoughts_are_never_sent() -> None:
    result = 'a<internal>b</internal>c <internal>\nd <message to="room">e</message></internal>'
    assert decide_replies(result, ONE, "m2") == Say((reply("ac"),))
    assert decide_replies('<message to="room">x<internal>y</internal>z</message>', TWO, "m2") == Say(
        (reply("xz", "room"),)
    )


def test_a_thought_that_is_left_open_takes_the_rest() -> None:
    assert decide_replies("yes <internal>no", ONE, "m2") == Say((reply("yes"),))


def test_a_block_that_is_left_open_runs_to_the_next_or_to_the_end() -> None:
    result = '<message to="room">one <message to="family">two'
    assert decide_replies(result, TWO, "m2") == Say((reply("one", "room"), reply("two", "family")))


def test_a_block_for_an_unknown_name_is_lost_and_told() -> None:
    result = '<message to="room">a</message><message to="rom">b</message><message to="rom">c</message>'
    outcome = decide_replies(result, TWO, "m2")
    assert outcome == Say((reply("a", "room"),), ("rom",))
    told = what_to_tell(outcome, TWO)
    assert told is not None
    assert "Part of your answer" in told
    assert "rom." in told
    assert "family, room" in told


def test_blocks_for_unknown_names_alone_reach_nobody_even_with_one_destination() -> None:
    outcome = decide_replies('before <message to="rom">b</message>', ONE, "m2")
    assert outcome == NoAddress(("rom",))
    assert "there is no destination rom" in (what_to_tell(outcome, ONE) or "")


def test_an_agent_without_destinations_is_told_that_it_has_none() -> None:
    assert "nobody you may write to" in (what_to_tell(NoAddress(), []) or "")


def test_all_well_is_not_worth_a_word() -> None:
    assert what_to_tell(Say((reply("a"),)), ONE) is None


def test_too_long_a_text_comes_in_pieces() -> None:
    outcome = decide_replies("x" * (MOST_PIECE + 1), ONE, None)
    assert isinstance(outcome, Say)
    assert [len(reply.text) for reply in outcome.replies] == [MOST_PIECE, 1]


def test_the_longest_piece_fits_into_a_row_however_it_is_written() -> None:
    longest = ChatOut(text="\1" * MOST_PIECE)
    assert read_out(OutKind.CHAT, write(longest)) == longest


WORDS = st.lists(
    st.sampled_from(
        ['<message to="room">', '<message to="nobody">', "</message>", "<internal>", "</internal>", "hello", "\ud800"]
    )
    | st.text(max_size=4)
).map("".join)


@given(WORDS, st.lists(st.sampled_from(["room", "family", "work"]), unique=True))
def test_whatever_a_model_says_only_sendable_words_reach_known_names(result: str, names: list[str]) -> None:
    outcome = decide_replies(result, names, "m2")
    if isinstance(outcome, Say):
        assert outcome.replies
        for one in outcome.replies:
            assert one.destination in names or (one.destination is None and len(names) == 1)
            assert one.in_reply_to == "m2"
            assert one.text.strip()
            assert "<internal>" not in one.text
            one.text.encode()
    assert (what_to_tell(outcome, names) is None) == (
        isinstance(outcome, Silent) or (isinstance(outcome, Say) and not outcome.unknown)
    )
