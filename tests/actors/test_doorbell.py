"""The doorbell as the host keeps it: one ring at a time, an answer counts for its ring, a blind host blames nobody."""

from __future__ import annotations

from datetime import timedelta

import pytest

from nanoclaw.actors.doorbell import RING_SECONDS, Doorbell
from nanoclaw.core.signals import Answers, Mute, Unasked


@pytest.fixture
def bell() -> Doorbell:
    return Doorbell()


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def test_it_is_rung_at_once_and_again_a_while_after_an_answer(bell: Doorbell) -> None:
    assert bell.wants_ringing(100.0)
    bell.rung(17, 100.0)
    assert not bell.wants_ringing(100.0 + 2 * RING_SECONDS), "one ring is out"
    bell.looked(17, 101.0)
    assert not bell.wants_ringing(100.0 + RING_SECONDS - 0.1)
    assert bell.wants_ringing(100.0 + RING_SECONDS)
    assert bell.loop(103.0) == Answers(seconds(2))


def test_an_answer_to_another_ring_is_none(bell: Doorbell) -> None:
    bell.looked(17, 0.0)
    bell.rung(18, 1.0)
    bell.looked(17, 9.0)
    bell.looked(None, 10.0)
    assert bell.loop(10.0) == Mute(seconds(9))
    bell.looked(18, 11.0)
    assert bell.loop(11.0) == Answers(seconds(0))


def test_a_host_that_did_not_look_for_long_does_not_call_a_loop_dead(bell: Doorbell) -> None:
    bell.rung(1, 0.0)
    bell.looked(None, 1.0)
    assert bell.loop(3_600.0) == Unasked()
    bell.looked(None, 3_600.0)
    assert bell.loop(3_600.0) == Mute(seconds(3_600))


def test_a_pause_takes_back_the_ring_that_is_out(bell: Doorbell) -> None:
    bell.rung(1, 0.0)
    bell.looked(None, 60.0)
    bell.paused()
    assert bell.loop(61.0) == Unasked()
    assert bell.wants_ringing(61.0)


def test_a_ring_that_the_disk_did_not_take_is_tried_again(bell: Doorbell) -> None:
    bell.rung(None, 0.0)
    assert bell.wants_ringing(1.0)
    assert bell.loop(100.0) == Unasked()
