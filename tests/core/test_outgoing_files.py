"""Which files of a message are looked for: names and never paths, each once, and no more than a message may have."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.outgoing_files import (
    MOST_SHOWN,
    MOST_WAITING_BYTES,
    NO_ROOM,
    TOO_LARGE,
    Unsent,
    choose,
    most_bytes,
    notice,
    too_large,
)
from schema.files import MOST_FILE_BYTES, MOST_FILES


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "/etc/passwd", "a/../../x", "a\0b", "x" * 256, "é" * 128, "\ud800"]
)
def test_what_could_be_a_path_or_no_name_is_not_looked_for(name: str) -> None:
    looked_for, (refused,) = choose([name])
    assert looked_for == ()
    assert refused.why == "that is no name of a file"


@pytest.mark.parametrize("name", ["a.txt", "..x", "...", "-rf", "\u202egpj.exe", "..\\x", "CON", "a ", "x" * 255])
def test_any_other_name_is_looked_for_as_it_is(name: str) -> None:
    assert choose([name]) == ((name,), ())


@given(st.lists(st.text(max_size=20) | st.sampled_from(["a", "b", "../c", ""]), max_size=40))
def test_every_name_is_looked_for_or_refused_and_never_more_than_there_may_be(names: list[str]) -> None:
    looked_for, refused = choose(names)
    assert len(looked_for) <= MOST_FILES
    assert set(looked_for) <= set(names)
    assert len(set(looked_for)) == len(looked_for)
    distinct = len(dict.fromkeys(names))
    assert len(looked_for) + len(refused) == min(distinct, MOST_FILES) + (distinct > MOST_FILES)


def test_those_that_are_too_many_are_counted_in_one_line() -> None:
    looked_for, (refused,) = choose([f"file {number}" for number in range(MOST_FILES + 7)])
    assert len(looked_for) == MOST_FILES
    assert refused == Unsent("7 more", "a message has at most 10 files")


def test_a_name_in_the_hosts_own_words_is_short_and_harmless() -> None:
    (shown,) = choose(["\u202e/\n" + "x" * 10_000])[1]
    assert len(shown.name) == MOST_SHOWN
    assert shown.name.isprintable()


@given(st.integers(min_value=0, max_value=MOST_WAITING_BYTES * 2))
def test_what_waits_never_grows_beyond_its_bound(waiting: int) -> None:
    most = most_bytes(waiting)
    assert 0 <= most <= MOST_FILE_BYTES
    assert waiting + most <= max(waiting, MOST_WAITING_BYTES)
    assert too_large(most) == (TOO_LARGE if waiting <= MOST_WAITING_BYTES - MOST_FILE_BYTES else NO_ROOM)


def test_the_agent_is_told_what_was_not_sent_and_why() -> None:
    refused = [Unsent("a", "it is a link"), Unsent("b", TOO_LARGE)]
    assert notice(7, refused, nothing_left=False) == (
        "message 7 was sent without these files: a (it is a link); b (larger than 25 MiB)"
    )
    assert notice(7, refused[:1], nothing_left=True) == (
        "message 7 was not sent, as it had nothing but these files: a (it is a link)"
    )
