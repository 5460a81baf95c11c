"""What is refused is in the log: the first of a crowd, and how many were not told of."""

from __future__ import annotations

import trio
from structlog.testing import capture_logs
from trio.testing import MockClock

from nanoclaw.channels.webhook.refusals import QUIET_SECONDS, Refusals
from nanoclaw.channels.webhook.signatures import Refused
from nanoclaw.model.ids import ChannelName

FORGED = Refused(status=401, why="it is not signed")


async def test_a_crowd_is_one_line_and_the_next_says_how_many_there_were(autojump_clock: MockClock) -> None:
    refusals = Refusals(ChannelName("hook"))
    await trio.sleep(1)
    with capture_logs() as lines:
        for number in range(1_000):
            refusals.note(f"/hooks/{number:0200}", FORGED)
        await trio.sleep(QUIET_SECONDS)
        refusals.note("/hooks/repo", FORGED)
    assert [(line["untold"], line["status"]) for line in lines] == [(0, 401), (999, 401)]
    assert len(lines[0]["path"]) == 100
