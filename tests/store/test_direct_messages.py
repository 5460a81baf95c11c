"""Where users can be written to: the last that was found out, by user and channel."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.model.ids import ChannelName, MessagingGroupId, UserId
from nanoclaw.store import direct_messages
from schema.sqlite import ConstraintError, fetch
from tests.support.central import CHANNEL, NOW, World

SLACK = ChannelName("slack")


def test_nobody_is_reached_before_somebody_has_found_out_where() -> None:
    world = World()
    assert direct_messages.reached(world.conn, world.user(), CHANNEL) is None
    assert direct_messages.known(world.conn) == frozenset()


@given(
    st.lists(
        st.tuples(st.sampled_from(["ada", "eve"]), st.sampled_from([CHANNEL, SLACK]), st.sampled_from(["den", "attic"]))
    )
)
def test_the_last_that_was_found_out_counts_for_each_user_and_channel(
    found: list[tuple[str, ChannelName, str]],
) -> None:
    world = World()
    users = {name: world.user(name) for name in ("ada", "eve")}
    chats = {room: world.chat(room, is_group=False).id for room in ("den", "attic")}
    expected: dict[tuple[UserId, ChannelName], MessagingGroupId] = {}
    for days, (name, channel, room) in enumerate(found):
        when = NOW + timedelta(days=days)
        direct_messages.remember(world.conn, users[name], channel, chats[room], resolved_at=when)
        expected[users[name], channel] = chats[room]
    for user in users.values():
        for channel in (CHANNEL, SLACK):
            assert direct_messages.reached(world.conn, user, channel) == expected.get((user, channel))
    assert direct_messages.known(world.conn) == frozenset(expected)


def test_when_it_was_found_out_is_kept_so_that_it_can_grow_old() -> None:
    world = World()
    ada, den = world.user(), world.chat("den").id
    for days in (0, 3):
        direct_messages.remember(world.conn, ada, CHANNEL, den, resolved_at=NOW + timedelta(days=days))
    assert fetch(world.conn, "SELECT resolved_at FROM direct_messages") == [{"resolved_at": "2026-04-19T14:37:00.000Z"}]


def test_it_is_about_a_user_and_a_chat_that_are_there() -> None:
    world = World()
    ada, den = world.user(), world.chat("den").id
    with pytest.raises(ConstraintError):
        direct_messages.remember(world.conn, UserId("test:nobody"), CHANNEL, den, resolved_at=NOW)
    with pytest.raises(ConstraintError):
        direct_messages.remember(world.conn, ada, CHANNEL, MessagingGroupId("nowhere"), resolved_at=NOW)
