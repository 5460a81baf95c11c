"""What a session is at, or what holds it up: by a table of everything that can be known of one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.holds import SessionSeen, session_hold
from nanoclaw.core.holds_outward import channel_hold, lane_hold
from nanoclaw.core.holds_tree import find_in, with_holds
from nanoclaw.core.holds_words import Reason
from nanoclaw.core.signals import Answers, Idle, Loop, Mute, Offered, Paused, Progress, Runs, Signals, Waiting, Working
from nanoclaw.core.stuck import Silent
from nanoclaw.core.why_hops import Mark
from nanoclaw.model.ids import ApprovalId, ChannelName, EpochNumber, InboundId, OutboundId, QuestionId, SessionId
from nanoclaw.model.messages import AGENTS, EpochEnding, LedgerState
from nanoclaw.model.overview import ActorView, ChannelView, ClaimRecord, DeadRecord, LaneRecord, Parking, SessionRecord
from schema.rows import InKind, Phase
from tests.support.central import NOW

ME = SessionId("ses-1")
CHANNEL = ChannelName("test")
CLAIM = ClaimRecord(session_id=ME, id=InboundId("m"), kind=InKind.CHAT, epoch=EpochNumber(1), claimed_at=NOW, tries=0)
RECORD = SessionRecord(
    id=ME,
    agent="Nano",
    chat="family",
    due=0,
    since=None,
    next_at=None,
    tries=0,
    paused=0,
    claims=(),
    epoch=None,
    epoch_at=None,
    last_ending=None,
    last_detail=None,
    undelivered=0,
    reply=None,
    lane=None,
    dead=None,
    question=None,
    question_at=None,
    approval=None,
    approval_title=None,
    parking=None,
    used_up=None,
)
LANE = LaneRecord(
    channel=CHANNEL,
    platform_id="room",
    waiting=1,
    since=NOW - timedelta(minutes=1),
    head=OutboundId("out-1"),
    session_id=ME,
    state=LedgerState.PENDING,
    attempts=0,
    not_before=None,
    error=None,
)
PARKING = Parking(session_id=ME, who="Ada", because="it loops", parked_at=NOW - timedelta(minutes=2))
RUNNING = ChannelView(name=CHANNEL, kind="", state="running")
ACTOR = ActorView(state="running", age=5.0, doing="", restarts=0, last_error=None)
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


def seen(*, actor: Any = ACTOR, signals: Signals | None = None, channel: Any = RUNNING, **record: Any) -> SessionSeen:
    """A session of which nothing is open but what is said."""
    channels = {} if channel is None else {CHANNEL: channel}
    return SessionSeen(record=evolve(RECORD, **record), actor=actor, signals=signals, channels=channels, now=NOW)


def sandbox(progress: Progress, loop: Loop | None = None, process: Any = None) -> Signals:
    """What is seen of one that is up."""
    return Signals(process=process or Runs(), loop=loop or Answers(SECOND), progress=progress)


def working(turn: float, silence: float | None, declared: float = 0, left: float = 1_000) -> Working:
    """A turn, in seconds."""
    return Working(
        turn=timedelta(seconds=turn),
        silence=None if silence is None else timedelta(seconds=silence),
        tool="Bash" if declared else None,
        declared=timedelta(seconds=declared),
        left=timedelta(seconds=left),
    )


def replying(there: Any = RUNNING, **lane: Any) -> SessionSeen:
    """One whose reply waits on a lane."""
    return seen(actor=None, channel=there, undelivered=1, reply=OutboundId("out-1"), lane=evolve(LANE, **lane))


def dead(state: str) -> SessionSeen:
    """One of whose messages one was given up."""
    return seen(actor=None, dead=DeadRecord(session_id=ME, id="m", state=state, error="it says why", at=NOW))


NAMED = {"age": SECOND, "allowed": HOUR, "turn": HOUR, "left": HOUR}
TABLE: list[tuple[SessionSeen, Reason, Mark, str]] = [
    (seen(actor=None), Reason.RESTS, Mark.GOOD, "nothing is asked"),
    (seen(signals=sandbox(Idle(), process=Paused())), Reason.RESTS, Mark.GOOD, "paused until somebody writes"),
    (seen(signals=sandbox(working(40, 1))), Reason.AT_WORK, Mark.GOOD, "it works for 40 s"),
    (seen(signals=sandbox(Offered(age=SECOND, left=HOUR))), Reason.AT_WORK, Mark.WAITS, "for 1 s"),
    (seen(signals=sandbox(working(40, 1, 600))), Reason.TOOL, Mark.WAITS, "tool Bash (says it needs 600 s)"),
    (seen(signals=sandbox(working(20, None, left=40))), Reason.QUIET, Mark.WAITS, "40 s left"),
    (seen(signals=sandbox(working(40, 40, left=20))), Reason.QUIET, Mark.BAD, "sign of life 40 s ago"),
    (seen(signals=sandbox(working(4_000, 301, left=200))), Reason.QUIET, Mark.BAD, "sign of life 301 s ago"),
    (seen(signals=sandbox(working(40, 1), Mute(9 * SECOND))), Reason.MUTE, Mark.BAD, "for 9 s"),
    (seen(signals=sandbox(Silent(HOUR, HOUR))), Reason.STUCK, Mark.BAD, "no sign of life for 3,600 s"),
    (seen(signals=sandbox(Offered(age=HOUR, left=HOUR)), due=1), Reason.NOT_TAKEN, Mark.BAD, "does not take"),
    (seen(signals=sandbox(Waiting(phase=Phase.WAITING_RATE_LIMIT, **NAMED))), Reason.RATE_LIMIT, Mark.WAITS, "for 1 s"),
    (seen(signals=sandbox(Waiting(phase=Phase.WAITING_ANSWER, **NAMED))), Reason.QUESTION, Mark.WAITS, "an answer"),
    (seen(used_up="the budget is used up", due=1), Reason.BUDGET, Mark.BAD, "the budget"),
    (seen(question=QuestionId("q"), question_at=NOW - HOUR), Reason.QUESTION, Mark.WAITS, "60 min ago"),
    (seen(approval=ApprovalId("a"), approval_title="jq"), Reason.APPROVAL, Mark.WAITS, "a decision: jq"),
    (seen(epoch=EpochNumber(2), epoch_at=NOW - SECOND), Reason.STARTING, Mark.WAITS, "epoch 2: starting, for 1 s"),
    (seen(epoch=EpochNumber(2), epoch_at=NOW - HOUR), Reason.STARTING, Mark.BAD, "engine does not answer"),
    (seen(actor=evolve(ACTOR, doing="waiting for one of 4 places"), due=1), Reason.NO_PLACE, Mark.WAITS, "of 4 places"),
    (seen(actor=evolve(ACTOR, state="parked", left=45.0, last_error="x"), due=1), Reason.PARKED, Mark.BAD, "45 s: x"),
    (seen(actor=None, parking=PARKING), Reason.PARKED, Mark.WAITS, "parked by Ada, because: it loops; since 2 min"),
    (seen(parking=PARKING, due=2), Reason.PARKED, Mark.WAITS, "2 min; 2 messages wait"),
    (seen(parking=PARKING, claims=(CLAIM,), signals=sandbox(Idle())), Reason.PARKED, Mark.WAITS, "is being ended"),
    (seen(actor=evolve(ACTOR, state="restarting", last_error="x"), due=1), Reason.FAILED, Mark.BAD, "in a moment: x"),
    (seen(due=1, last_ending=EpochEnding.NOT_STARTED, last_detail="x"), Reason.FAILED, Mark.BAD, "no sandbox: x"),
    (
        seen(actor=evolve(ACTOR, state="parked", last_error="OSError: No space left on device")),
        Reason.DISK_FULL,
        Mark.BAD,
        "No space left",
    ),
    (seen(actor=None, due=1), Reason.NO_ACTOR, Mark.BAD, "nobody works on them"),
    (seen(next_at=NOW + HOUR), Reason.LATER, Mark.WAITS, "until 15:37:00 UTC"),
    (
        seen(next_at=NOW + HOUR, tries=2, last_ending=EpochEnding.KILLED, last_detail="x"),
        Reason.LATER,
        Mark.WAITS,
        "as 2 sandboxes ended while at it (killed: x)",
    ),
    (seen(actor=None, paused=3), Reason.ON_HOLD, Mark.WAITS, "3 messages"),
    (dead("failed"), Reason.GAVE_UP, Mark.BAD, "it says why"),
    (dead("dead"), Reason.DEAD, Mark.BAD, "it says why"),
    (dead("unknown"), Reason.IN_DOUBT, Mark.BAD, "it says why"),
    (replying(state=LedgerState.SENDING), Reason.SENDING, Mark.WAITS, "is being sent"),
    (replying(since=NOW), Reason.SENDING, Mark.WAITS, "about to be sent"),
    (replying(not_before=NOW + HOUR, error="429", attempts=2), Reason.SENT_LATER, Mark.WAITS, "2 attempts: 429"),
    (replying(head=OutboundId("out-0")), Reason.BEHIND, Mark.WAITS, "behind out-0"),
    (replying(), Reason.NOBODY, Mark.WAITS, "somebody is there"),
    (replying(None, channel=AGENTS), Reason.NOBODY, Mark.WAITS, "somebody is there"),
    (replying(None), Reason.NO_CHANNEL, Mark.BAD, "does not have"),
    (replying(evolve(RUNNING, state="parked", why="401")), Reason.CHANNEL_DOWN, Mark.BAD, "down and parked: 401"),
    (replying(evolve(RUNNING, state="off")), Reason.CHANNEL_DOWN, Mark.BAD, "switched off"),
]


@pytest.mark.parametrize(("known", "reason", "mark", "words"), TABLE, ids=lambda value: getattr(value, "name", ""))
def test_what_holds_it_up_is_said_with_its_numbers(known: SessionSeen, reason: Reason, mark: Mark, words: str) -> None:
    hold = session_hold(known)
    assert (hold.reason, hold.mark) == (reason, mark), hold
    assert words in hold.words
    assert bool(hold.mend) or mark is not Mark.BAD


OTHERS = {Reason.HEARS, Reason.OFF, Reason.NO_WAY_OUT, Reason.LIMIT}
"""Of a channel, and of the gateway."""


def test_every_reason_of_a_session_stands_in_the_table() -> None:
    assert {reason for _, reason, _, _ in TABLE} == set(Reason) - OTHERS


def test_a_missing_image_is_mended_by_building_it() -> None:
    known = seen(actor=evolve(ACTOR, state="parked", last_error="docker: there is no image nanoclaw/agent"))
    assert session_hold(known).mend == f"nanoclaw image build; then nanoclaw sessions wake {ME}"


@pytest.mark.parametrize(
    ("state", "why", "reason", "mark"),
    [
        ("running", "", Reason.HEARS, Mark.GOOD),
        ("running", "401", Reason.CHANNEL_DOWN, Mark.BAD),
        ("parked", "x", Reason.CHANNEL_DOWN, Mark.BAD),
        ("broken", "x", Reason.CHANNEL_DOWN, Mark.BAD),
        ("off", "", Reason.OFF, Mark.WAITS),
    ],
)
def test_a_channel_is_well_as_long_as_it_hears(state: str, why: str, reason: Reason, mark: Mark) -> None:
    hold = channel_hold(evolve(RUNNING, state=state, why=why, heard=3.0))
    assert (hold.reason, hold.mark) == (reason, mark)
    assert why in hold.words


KNOWN = st.sampled_from([one for one, _, _, _ in TABLE])


@given(KNOWN, KNOWN, KNOWN)
def test_what_failed_comes_before_what_waits_whatever_else_is_known(
    one: SessionSeen, other: SessionSeen, third: SessionSeen
) -> None:
    actor, signals = other.actor, third.signals
    together = SessionSeen(record=one.record, actor=actor, signals=signals, channels=one.channels, now=NOW)
    hold = session_hold(together)
    if one.record.parking is not None:
        assert (hold.reason, hold.mend) == (Reason.PARKED, f"nanoclaw sessions unpark {ME}")
    elif session_hold(evolve(together, record=RECORD)).mark is Mark.BAD:
        assert hold.mark is Mark.BAD
    assert bool(hold.mend) or hold.mark is not Mark.BAD


def test_what_mends_a_budget_that_is_used_up_can_be_put_into_a_terminal() -> None:
    hold = session_hold(seen(agent="Agent 2", used_up="the budget is used up", due=1))
    assert hold.mend == "nanoclaw budgets list; nanoclaw budgets set 'Agent 2'"


def test_a_session_at_work_is_not_hidden_by_an_old_dead_letter() -> None:
    letter = DeadRecord(session_id=ME, id="m", state="dead", error="x", at=NOW)
    assert session_hold(seen(signals=sandbox(working(9, 1)), claims=(CLAIM,), dead=letter)).reason is Reason.AT_WORK
    assert session_hold(seen(signals=sandbox(Idle()), dead=letter)).reason is Reason.DEAD


def test_the_first_of_a_lane_is_behind_nothing() -> None:
    assert lane_hold(LANE, {CHANNEL: RUNNING}, reply=None, now=NOW).reason is Reason.NOBODY


def test_the_tree_shows_who_has_no_actor_and_finds_all_by_their_paths() -> None:
    cells = {"reason": "reply dead", "mark": "bad", "why": "x", "mend": "y"}
    actor = {"name": "ses-1", "state": "running", "children": []}
    parts = [{"name": "store", "children": []}, {"name": "sessions", "children": [actor]}]
    rows = [{"session": "ses-2", **cells}, {"session": "ses-1", **cells}]
    tree = with_holds({"name": "nanoclaw", "children": parts}, {"sessions": rows})
    for name in ("ses-1", "ses-2"):
        assert (find_in(tree, ["sess", name]) or {})["hold"] == cells
    assert (find_in(tree, ["sessions", "ses-2"]) or {})["state"] == "stopped"
    assert find_in(tree, ["s"]) is None
    assert with_holds({"name": "nanoclaw", "children": parts}, {})["children"][1]["children"][0]["hold"] is None
