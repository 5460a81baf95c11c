"""The runner dies at every write in a conversation with follow-ups: all is answered, once, and settled."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from trio.testing import MockClock

from tests.conftest import Figures
from tests.runner.lives import MESSAGES, Conversation, Mind
from tests.support.sampling import WHOLE, offset, stride

EVERY = 13
"""Of the changes in a whole conversation, one in so many is died at."""
SEEDS = 500 if WHOLE else 20
"""Conversations in which the model's process dies at any time, and the runner perhaps."""


async def test_a_conversation_that_nothing_interrupts_is_one_query(tmp_path: Path, autojump_clock: MockClock) -> None:
    whole = Conversation(tmp_path)
    await whole.live(0)
    assert whole.wrong() == []
    assert whole.epoch == 1
    assert whole.mind.resumed == [None]
    assert len(whole.mind.asked) == MESSAGES, "nothing is asked twice"
    assert len(whole.replies) < MESSAGES, "what came meanwhile is folded into one answer"


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_wherever_the_models_process_dies_and_the_runner_each_message_is_answered_once(
    tmp_path: Path, figures: Figures, autojump_clock: MockClock
) -> None:
    deaths = 0
    for seed in range(SEEDS):
        luck = random.Random(seed)
        folder = tmp_path / f"seed{seed}"
        folder.mkdir()
        lives = Conversation(folder, Mind(luck=luck))
        await lives.live(luck.choice((0, luck.randrange(1, 1_000))))
        assert lives.wrong() == [], f"seed {seed}"
        deaths += lives.mind.deaths
        shutil.rmtree(folder)
    figures(deaths=deaths)
    assert deaths > SEEDS, "the killer does not bite"


@pytest.mark.slow
@pytest.mark.timeout(1_800)
async def test_wherever_the_runner_dies_each_message_is_answered_once(
    tmp_path: Path, figures: Figures, autojump_clock: MockClock
) -> None:
    at, died = 1 + offset(EVERY), 0
    while True:
        folder = tmp_path / f"at{at}"
        folder.mkdir()
        lives = Conversation(folder)
        await lives.live(at)
        assert lives.wrong() == [], f"died at change {at}"
        asked_again = len(lives.mind.asked) - MESSAGES
        assert asked_again <= 4, "only what was not answered is asked again"
        if lives.epoch == 1:
            break
        died += 1
        at += stride(EVERY)
        shutil.rmtree(folder)
    figures(changes_died_at=died)
    assert died > 50, "the killer does not bite"
