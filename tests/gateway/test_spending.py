"""What a sandbox has spent is told to the next process of the gateway, however much that is."""

from __future__ import annotations

import json

import trio

from nanoclaw.core.endpoints import ANTHROPIC, read_endpoint
from nanoclaw.gateway.frames import Opened, write
from nanoclaw.gateway.spending import MOST_TOLD, Spending
from nanoclaw.kit.pipe import MOST_FRAME
from nanoclaw.model.ids import SessionId


async def test_of_one_that_asked_more_than_can_be_said_at_a_time_the_newest_are_told() -> None:
    await trio.lowlevel.checkpoint()
    spending = Spending()
    for _ in range(6 * MOST_TOLD):
        spending.ask()
    spending.move(7)
    spent = spending.so_far()
    said = write(Opened(way=1, session=SessionId("ses-1"), endpoint=read_endpoint(ANTHROPIC), spent=spent))
    assert len(json.dumps(said)) < MOST_FRAME
    assert (len(spent.asked), spent.moved) == (MOST_TOLD, 7)
