"""What the host has seen of a sandbox: changes count, not values, and all ages are the host's own."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve

from nanoclaw.actors.vigil import Vigil
from nanoclaw.core.stuck import Claim, ClaimIgnored, Deaf, Fine, Silent, StuckPolicy, Tool, TurnTooLong
from nanoclaw.link.report import AckRow, Report, ToolState
from nanoclaw.model.ids import EpochNumber, InboundId
from schema.rows import AckStatus, Phase

ONE = InboundId("one")
TWO = InboundId("two")
POLICY = StuckPolicy()
NOTHING = Report(rows=(), bad=(), acks=(), states=(), tool=None, cursor=0, more=False)
TURN = ToolState(current_tool=None, declared_timeout_ms=None, started_at=None, phase=Phase.TURN)
SHELL = evolve(TURN, current_tool="Bash", declared_timeout_ms=5_400_000)


@pytest.fixture
def vigil() -> Vigil:
    return Vigil(EpochNumber(3), POLICY)


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def test_a_fresh_sandbox_has_shown_nothing_and_is_fine(vigil: Vigil) -> None:
    seen = vigil.evidence(1000.0)
    assert (seen.claims, seen.silence, seen.turn, seen.unheard, seen.phase) == ((), None, None, None, Phase.STARTING)
    assert vigil.judge(1e9) == (Fine(), None)


def test_a_heartbeat_counts_when_it_changes_and_whatever_it_says(vigil: Vigil) -> None:
    vigil.heartbeat(5, 0.0)
    assert vigil.evidence(1.0).silence is None, "the file was made by the host"
    vigil.heartbeat(4_102_444_800_000_000_000, 10.0)
    vigil.heartbeat(4_102_444_800_000_000_000, 50.0)
    assert vigil.evidence(60.0).silence == seconds(50)
    assert not vigil.is_up, "it has yet to say something"
    vigil.heartbeat(None, 70.0)
    vigil.heartbeat(-1, 80.0)
    assert vigil.evidence(80.0).silence == seconds(0)


def test_a_claim_is_as_old_as_the_hosts_first_sight_of_it(vigil: Vigil) -> None:
    vigil.work([ONE], due=False, now=100.0)
    vigil.work([ONE, TWO], due=False, now=130.0)
    assert vigil.evidence(160.0).claims == (
        Claim(message=ONE, epoch=EpochNumber(3), age=seconds(60)),
        Claim(message=TWO, epoch=EpochNumber(3), age=seconds(30)),
    )
    assert vigil.evidence(160.0).turn == seconds(60)
    vigil.work([], due=False, now=170.0)
    vigil.work([ONE], due=False, now=180.0)
    assert vigil.evidence(180.0).turn == seconds(0), "a new turn"


def test_a_claim_that_nothing_follows_is_stuck_at_its_limit_and_no_earlier(vigil: Vigil) -> None:
    vigil.work([ONE], due=False, now=0.0)
    assert vigil.judge(59.0) == (Fine(), 1.0)
    assert vigil.judge(60.0) == (ClaimIgnored(ONE, seconds(60), seconds(60)), 0.0)


def test_a_tool_that_declares_its_time_is_given_it(vigil: Vigil) -> None:
    vigil.work([ONE], due=False, now=0.0)
    vigil.report(evolve(NOTHING, tool=SHELL), 1.0)
    assert vigil.evidence(1.0).tool == Tool(name="Bash", declared_ms=5_400_000)
    assert vigil.judge(5_400.0)[0] == Fine()
    assert vigil.judge(5_401.0)[0] == Silent(seconds(5_400), seconds(5_400))


def test_a_report_that_says_the_same_again_is_no_sign_of_life(vigil: Vigil) -> None:
    vigil.report(evolve(NOTHING, tool=TURN), 10.0)
    assert vigil.is_up
    vigil.report(evolve(NOTHING, tool=TURN), 20.0)
    ack = AckRow(message_id="x", status=AckStatus.PROCESSING, error=None)
    vigil.report(evolve(NOTHING, tool=TURN, acks=(ack,)), 30.0)
    assert vigil.evidence(30.0).silence == seconds(20)


def test_a_named_wait_begins_when_the_host_saw_it(vigil: Vigil) -> None:
    vigil.work([ONE], due=False, now=0.0)
    vigil.report(evolve(NOTHING, tool=evolve(TURN, phase=Phase.WAITING_RATE_LIMIT)), 10.0)
    assert vigil.evidence(100.0).phase_age == seconds(90)
    assert vigil.judge(1_200.0)[0] == Fine(), "twenty minutes of a rate limit are no silence"


def test_signs_of_life_do_not_save_a_turn_that_takes_too_long(vigil: Vigil) -> None:
    vigil.work([ONE], due=False, now=0.0)
    for number in range(0, 21_700, 10):
        vigil.heartbeat(number, float(number))
    assert vigil.judge(21_600.0)[0] == TurnTooLong(seconds(21_600), seconds(21_600))


def test_what_nobody_takes_up_is_noticed_and_a_pause_is_not_held_against_the_sandbox(vigil: Vigil) -> None:
    vigil.work([], due=True, now=0.0)
    vigil.work([], due=True, now=200.0)
    vigil.paused(250.0)
    assert vigil.judge(549.0)[0] == Fine()
    assert vigil.judge(550.0)[0] == Deaf(seconds(300), seconds(300))
    vigil.work([], due=False, now=560.0)
    assert vigil.judge(9_999.0)[0] == Fine()
