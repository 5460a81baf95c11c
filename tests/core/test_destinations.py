"""Where a session may speak, and what a name means."""

from __future__ import annotations

import re

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.destinations import Refused, name_of, resolve
from nanoclaw.model.ids import ChannelName
from nanoclaw.model.messages import Address

ROOM = Address(channel=ChannelName("slack"), platform_id="C1")
THREAD = evolve(ROOM, thread_id="t1")
OTHER = Address(channel=ChannelName("slack"), platform_id="C2")
NAMESAKE = Address(channel=ChannelName("telegram"), platform_id="C1", thread_id="t9")
KNOWN = {"room": ROOM, "other": OTHER}
NOWHERE = Refused("no-destination", "the row names no destination and answers no message of this session")

ADDRESSES = st.builds(
    Address,
    channel=st.sampled_from([ChannelName("a"), ChannelName("b")]),
    platform_id=st.sampled_from("xyz"),
    thread_id=st.none() | st.sampled_from("12"),
)
NAMES = st.sampled_from(["p", "q", "r"])


@pytest.mark.parametrize(
    ("destination", "origin", "place"),
    [
        ("other", None, OTHER),
        ("other", THREAD, OTHER),
        ("room", None, ROOM),
        ("room", THREAD, THREAD),  # in the chat that was asked in: in its thread as well
        ("room", NAMESAKE, ROOM),  # the same id on another channel is another chat
        (None, THREAD, THREAD),
        (None, NAMESAKE, NAMESAKE),
        (None, None, NOWHERE),
        ("", THREAD, Refused("unknown-destination", "there is no destination named ''")),
        ("Room", None, Refused("unknown-destination", "there is no destination named 'Room'")),
    ],
)
def test_a_row_goes_where_its_name_or_its_question_says(
    destination: str | None, origin: Address | None, place: Address | Refused
) -> None:
    assert resolve(destination, origin=origin, known=KNOWN) == place


def test_a_row_without_a_name_goes_to_the_only_place_there_is() -> None:
    assert resolve(None, origin=None, known={"room": ROOM}) == ROOM


def test_a_row_goes_nowhere_if_there_is_no_place() -> None:
    assert resolve(None, origin=None, known={}) == NOWHERE


def test_a_refusal_quotes_little_of_the_name_and_nothing_that_could_forge_a_line() -> None:
    refused = resolve("\n\x1b[31m" + "x" * 5_000, origin=None, known=KNOWN)
    assert isinstance(refused, Refused)
    assert len(refused.detail) < 150
    assert refused.detail.isprintable()


@given(st.none() | NAMES | st.text(max_size=3), st.none() | ADDRESSES, st.dictionaries(NAMES, ADDRESSES))
def test_no_name_opens_a_place_that_is_neither_known_nor_the_questions(
    destination: str | None, origin: Address | None, known: dict[str, Address]
) -> None:
    place = resolve(destination, origin=origin, known=known)
    if isinstance(place, Refused):
        assert destination not in known
        return
    assert place == origin or place in known.values()
    if destination is not None:
        meant = known[destination]
        assert (place.channel, place.platform_id) == (meant.channel, meant.platform_id)


@pytest.mark.parametrize(
    ("shown", "name"),
    [
        ("Terminal", "terminal"),
        ("  Team Ops / EU  ", "team-ops-eu"),
        ("a--b__c", "a-b-c"),
        ("#general", "general"),
        ("日本語", "chat"),
        ("", "chat"),
        ("---", "chat"),
        ("Größe 7", "gr-e-7"),
    ],
)
def test_a_chats_name_is_small_letters_digits_and_single_dashes(shown: str, name: str) -> None:
    assert name_of(shown) == name


@given(st.text())
def test_every_name_can_be_typed_and_is_its_own_name(shown: str) -> None:
    name = name_of(shown)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
    assert name_of(name) == name
