"""Who hears an event."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.routing import Ignore, Wake, plan
from nanoclaw.model.entities import MessagingGroup, Wiring
from nanoclaw.model.ids import AgentGroupId, ChannelName, MessagingGroupId, WiringId

NOW = datetime(2026, 4, 16, 14, 37, tzinfo=UTC)
CHAT = MessagingGroup(
    id=MessagingGroupId("c"),
    channel=ChannelName("test"),
    platform_id="room",
    name="Room",
    is_group=True,
    created_at=NOW,
)


def wiring(name: str) -> Wiring:
    """A wiring of `CHAT`."""
    return Wiring(
        id=WiringId(name), messaging_group_id=CHAT.id, agent_group_id=AgentGroupId(name), priority=0, created_at=NOW
    )


def test_an_event_of_an_unknown_chat_is_ignored_whoever_listens() -> None:
    unknown = Ignore("unknown-chat", "no messaging group of that name on that channel")
    assert plan(None, ()) == unknown
    assert plan(None, [wiring("a")]) == unknown


def test_an_event_of_a_chat_that_nobody_hears_is_ignored() -> None:
    assert plan(CHAT, ()) == Ignore("not-wired", "no agent group hears this chat")


@given(st.lists(st.sampled_from("abcd"), min_size=1, unique=True))
def test_every_wiring_is_woken_once_in_the_order_of_importance(names: list[str]) -> None:
    wirings = [wiring(name) for name in names]
    assert plan(CHAT, wirings) == Wake(tuple(wirings))
