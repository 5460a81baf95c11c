"""Messages are cut into parts that fit, with everything in them, in order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.parts import GONE, Cut, File, Limits, Part, Whole, plan
from nanoclaw.core.speech import Say, ShowCard, ShowEdit, ShowQuestion, ShowReaction
from nanoclaw.model.ids import QuestionId
from schema.payloads import Option

TEXTS = st.text(st.sampled_from("ab \n é🎉"), max_size=200)
FILES = st.lists(st.builds(File, name=st.just("f"), size=st.integers(1, 20)), max_size=8)
LIMITS = st.builds(
    Limits,
    text=st.integers(4, 40),
    files=st.integers(0, 3),
    file_bytes=st.none() | st.integers(1, 20),
    both=st.booleans(),
)


def cut(say: Say, limits: Limits, *, stands: tuple[str, ...] = (), files: tuple[File, ...] = ()) -> Whole | Cut:
    return plan(
        say,
        stands,
        files,
        limits,
        measure=len,
        split=lambda text: by_words(text, limits.text),
    )


def by_words(text: str, most: int) -> list[str]:
    """Pieces of at most *most* signs, none of them blank; the real thing is tested with what splits."""
    return [word[at : at + most] for word in text.split() for at in range(0, len(word), most)]


@given(text=TEXTS, files=FILES, limits=LIMITS)
def test_every_part_keeps_the_limits_and_together_they_are_the_message(
    text: str, files: list[File], limits: Limits
) -> None:
    found = cut(Say(text), limits, files=tuple(files))
    if isinstance(found, Whole):
        assert len(text) <= limits.text
        assert len(files) <= limits.files
        assert limits.both or not (text and files)
        assert all(limits.file_bytes is None or file.size <= limits.file_bytes for file in files)
        return
    assert all(part.text or part.files for part in found.parts)
    for part in found.parts:
        assert len(part.text) <= limits.text
        assert len(part.files) <= limits.files
        assert limits.both or not (part.text and part.files)
    sent = [place for part in found.parts for place in part.files]
    assert sent == sorted(set(sent))
    assert len(sent) + len(found.refused) == len(files)
    assert all(limits.file_bytes is None or files[place].size <= limits.file_bytes for place in sent)
    assert "".join("".join(part.text for part in found.parts).split()) == "".join(text.split())
    textual = [bool(part.text) for part in found.parts]
    assert textual == sorted(textual, reverse=True), "files come last"


def test_a_file_goes_with_the_last_text_or_alone_where_both_cannot_be() -> None:
    files = (File(name="f", size=1), File(name="g", size=1))
    together = Limits(text=3, files=1)
    assert cut(Say("one two"), together, files=files) == Cut(
        parts=(Part(text="one"), Part(text="two", files=(0,)), Part(text="", files=(1,)))
    )
    apart = Limits(text=30, files=5, both=False)
    assert cut(Say("one two"), apart, files=files) == Cut(parts=(Part(text="one two"), Part(text="", files=(0, 1))))


def test_a_file_that_is_too_large_is_refused_with_a_sentence_and_the_rest_goes() -> None:
    found = cut(Say("see"), Limits(text=30, file_bytes=2048), files=(File(name="big.zip", size=2049),))
    assert isinstance(found, Cut)
    assert found.parts == (Part(text="see"),)
    assert [(one.name, one.why) for one in found.refused] == [("big.zip", "larger than the 2 KiB that the chat takes")]
    assert cut(Say(""), Limits(text=30, files=0), files=(File(name="a", size=1),)) != Whole()


QUESTION = ShowQuestion(question=QuestionId("q"), title="Which?", text="", options=(Option(label="a", value="a"),))


@pytest.mark.parametrize(
    ("say", "most", "whole"),
    [
        (Say("Which?\n1. a", QUESTION), 30, True),
        (Say("Which?\n1. a", QUESTION), 8, False),
        (Say("in short", ShowCard(title="Card", description="long " * 10)), 20, False),
        (Say("👍", ShowReaction(platform_message_id="1", emoji="👍", quoted="")), 1, True),
        (Say("new", ShowEdit(platform_message_id="1")), 5, True),
    ],
)
def test_what_is_more_than_text_is_shown_as_it_is_or_in_words(say: Say, most: int, whole: bool) -> None:
    found = cut(say, Limits(text=most))
    assert (found == Whole()) is whole
    if isinstance(found, Cut):
        assert all(part.changes is None for part in found.parts)


@pytest.mark.parametrize(
    ("text", "stands", "parts"),
    [
        ("one two", ("1", "2"), (("one", "1"), ("two", "2"))),
        ("one two six", ("1", "2"), (("one", "1"), ("two", "2"), ("six", None))),
        ("one", ("1", "2", "3"), (("one", "1"), (GONE, "2"), (GONE, "3"))),
        ("one two", (), (("one", "0"), ("two", None))),
    ],
)
def test_an_edit_changes_the_parts_that_stand_in_their_order(
    text: str, stands: tuple[str, ...], parts: tuple[tuple[str, str | None], ...]
) -> None:
    found = cut(Say(text, ShowEdit(platform_message_id="0")), Limits(text=3), stands=stands)
    assert found == Cut(parts=tuple(Part(text=piece, changes=place) for piece, place in parts))
