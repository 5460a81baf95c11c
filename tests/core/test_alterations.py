"""Which messages of its session may an agent edit or react to, and where are they?"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from attrs import evolve

from nanoclaw.core.alterations import Alter, decide_alteration
from nanoclaw.core.destinations import Refused
from nanoclaw.model.ids import ChannelName, EpochNumber, EventId, InboundId, OutboundId, SessionId
from nanoclaw.model.messages import Address, InboundRow, LedgerRow, LedgerState
from schema.payloads import Edit, Reaction
from schema.rows import InKind, InStatus, OutKind

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ROOM = Address(channel=ChannelName("test"), platform_id="room", thread_id="t1")
ELSEWHERE = Address(channel=ChannelName("test"), platform_id="elsewhere")
EDIT = Edit(seq=3, text="better")
REACTION = Reaction(seq=3, emoji="!")
OURS = LedgerRow(
    position=1,
    id=OutboundId("s/1/out-3"),
    session_id=SessionId("s"),
    epoch=EpochNumber(1),
    runner_id=None,
    digest="",
    seq=3,
    in_reply_to=None,
    channel=ROOM.channel,
    platform_id=ROOM.platform_id,
    thread_id=ROOM.thread_id,
    kind=OutKind.CHAT.value,
    content="{}",
    state=LedgerState.DELIVERED,
    attempts=1,
    not_before=NOW,
    platform_message_id="p3",
    error=None,
    created_at=NOW,
    settled_at=NOW,
    touched=1,
    retries=0,
    about=None,
)


THEIRS = InboundRow(
    id=InboundId("in"),
    session_id=SessionId("s"),
    event_id=EventId("evt"),
    seq=4,
    kind=InKind.CHAT,
    timestamp=NOW,
    status=InStatus.PENDING,
    process_after=None,
    tries=0,
    trigger=True,
    channel=ROOM.channel,
    platform_id=ROOM.platform_id,
    thread_id=ROOM.thread_id,
    content="{}",
    claimed_epoch=None,
    claimed_at=None,
    settled_at=None,
    error=None,
    touched=1,
    recurrence=None,
    series_id=None,
    from_epoch=None,
)


@pytest.mark.parametrize("said", [EDIT, REACTION])
def test_what_was_said_is_altered_where_it_is_whatever_thread_is_known(said: Edit | Reaction) -> None:
    known = [ELSEWHERE, evolve(ROOM, thread_id=None)]
    assert decide_alteration(said, OURS, None, known) == Alter(ROOM, None)


@pytest.mark.parametrize("state", [LedgerState.PENDING, LedgerState.SENDING])
def test_it_does_not_overtake_what_waits_for_its_time(state: LedgerState) -> None:
    assert decide_alteration(EDIT, evolve(OURS, state=state), None, [ROOM]) == Alter(ROOM, NOW)


@pytest.mark.parametrize("kind", [OutKind.CARD, OutKind.ASK_QUESTION])
def test_a_card_and_a_question_can_be_reacted_to_and_not_be_edited(kind: OutKind) -> None:
    row = evolve(OURS, kind=kind.value)
    assert isinstance(decide_alteration(REACTION, row, None, [ROOM]), Alter)
    assert isinstance(decide_alteration(EDIT, row, None, [ROOM]), Refused)


def test_what_a_person_said_can_be_reacted_to_and_not_be_edited() -> None:
    assert decide_alteration(REACTION, None, THEIRS, [ROOM]) == Alter(ROOM, None)
    assert isinstance(decide_alteration(EDIT, None, THEIRS, [ROOM]), Refused)


@pytest.mark.parametrize(
    ("said", "out", "came", "reason"),
    [
        (EDIT, None, None, "unknown-message"),
        (REACTION, None, None, "unknown-message"),
        (EDIT, evolve(OURS, epoch=None), None, "unknown-message"),
        (REACTION, evolve(OURS, kind=OutKind.REACTION.value), None, "unknown-message"),
        (REACTION, evolve(OURS, kind=OutKind.REACTION.value), THEIRS, "unknown-message"),
        (REACTION, None, evolve(THEIRS, kind=InKind.TASK), "unknown-message"),
        (REACTION, None, evolve(THEIRS, event_id=None), "unknown-message"),
        (REACTION, None, evolve(THEIRS, channel=None), "unknown-message"),
        (EDIT, evolve(OURS, platform_id="gone"), None, "not-allowed"),
    ],
)
def test_all_else_is_refused_with_its_reason(
    said: Edit | Reaction, out: LedgerRow | None, came: InboundRow | None, reason: str
) -> None:
    verdict = decide_alteration(said, out, came, [ROOM])
    assert isinstance(verdict, Refused)
    assert verdict.reason == reason
