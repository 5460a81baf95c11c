"""What travels: who said something is somebody of the channel that says so."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.model.ids import ChannelName, UserId
from nanoclaw.model.messages import Revision, RevisionKind
from tests.support.central import said

CHANGE = Revision(
    channel=ChannelName("test"),
    platform_message_id="1",
    revision="1",
    kind=RevisionKind.EDIT,
    sender_id=UserId("test:ada"),
    sender="Ada",
)
OTHERS = ["", "ada", "test", "test:", "slack:ada", "tes:ada", "Test:ada", " test:ada", ":ada", "test-2:ada"]


@pytest.mark.parametrize("sender", OTHERS)
def test_a_channel_speaks_of_its_own_users_and_of_no_others(sender: str) -> None:
    with pytest.raises(ValueError, match="is no user id of the channel test"):
        evolve(said(), sender_id=UserId(sender))
    with pytest.raises(ValueError, match="is no user id of the channel test"):
        evolve(CHANGE, sender_id=UserId(sender))


@given(st.text(min_size=1))
def test_whatever_a_platform_calls_somebody_for_good_is_a_user_of_its_channel_alone(name: str) -> None:
    assert evolve(said(), sender_id=UserId(f"test:{name}")).sender_id.partition(":")[0] == "test"


@given(st.text())
def test_what_people_call_themselves_is_nobodys_identity(name: str) -> None:
    event = said()
    assert evolve(event, sender=name, text=f"test:boss {name}").sender_id == event.sender_id
