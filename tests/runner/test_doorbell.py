"""The runner answers each ring by giving a file of its own the same time."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from runner.doorbell import LOOK_SECONDS, answer_doorbell

RING = 1_776_350_220_123_456_789


@asynccontextmanager
async def answering(folder: Path) -> AsyncIterator[tuple[Path, Path]]:
    """The answering loop, with the doorbell and the answer that it is for."""
    bell, answer = folder / "doorbell", folder / "answer"
    async with trio.open_nursery() as nursery:
        nursery.start_soon(answer_doorbell, bell, answer)
        await trio.testing.wait_all_tasks_blocked()
        yield bell, answer
        nursery.cancel_scope.cancel()


def ring(bell: Path, at: int) -> None:
    bell.touch()
    os.utime(bell, ns=(at, at))


async def test_each_ring_is_answered_with_its_own_time(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with answering(tmp_path) as (bell, answer):
        await trio.sleep(5)
        assert not answer.exists(), "nobody has rung"
        for at in (RING, RING + 1, 5):
            ring(bell, at)
            await trio.sleep(1.5 * LOOK_SECONDS)
            assert answer.stat().st_mtime_ns == at
        assert answer.stat().st_mode & 0o777 == 0o600


async def test_an_answer_that_cannot_be_given_is_logged_once_a_ring_and_harms_nothing(
    tmp_path: Path, autojump_clock: MockClock, capsys: pytest.CaptureFixture[str]
) -> None:
    async with answering(tmp_path) as (bell, answer):
        os.mkfifo(answer)
        ring(bell, RING)
        await trio.sleep(10 * LOOK_SECONDS)
        assert capsys.readouterr().err.count("doorbell_unanswered") == 1
        answer.unlink()
        ring(bell, RING + 1)
        await trio.sleep(1.5 * LOOK_SECONDS)
        assert answer.stat().st_mtime_ns == RING + 1
