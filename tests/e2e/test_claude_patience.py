"""Three minutes in which the model's provider refuses all, as they are: nothing is scaled and no clock is set.

Too long for every run of the suite, in which ten seconds have to do (`test_claude_trouble.py`): `make soak` has it.
"""

from __future__ import annotations

import time
from functools import partial

import pytest

from tests.e2e.claude_house import ENGINES, GARDEN, KITCHEN, claude_house, to, until
from tests.support.model_api import Asked
from tests.support.model_wire import Refusal, Turn, limited, says

pytestmark = [pytest.mark.slow, pytest.mark.soak, pytest.mark.timeout(600)]

THREE_MINUTES = 180.0
"""Seconds: three times as long as a message may be claimed without a sign of life."""
LONGER = 250.0
"""By then the command line has given up (measured: it asks ten times, over three and a half minutes), and the runner
goes on."""
GAVE_UP = '"event": "waiting"'
LOOKS = (15.0, 70.0, 125.0, 175.0)


@pytest.mark.parametrize("engine", ENGINES)
def test_three_minutes_of_a_rate_limit_are_waited_out_and_so_is_what_the_command_line_gives_up_over(
    engine: str,
) -> None:
    """The kitchen's provider says how long it takes. That is more than a minute, which the command line believes as
    little as it needs to in the garden, where nobody says anything: it asks every now and then, by its own judgement.
    """
    lasts = {KITCHEN: THREE_MINUTES, GARDEN: LONGER}
    asked: dict[str, list[float]] = {KITCHEN: [], GARDEN: []}

    def busy(one: Asked) -> Turn | Refusal:
        room = KITCHEN if f'from="{KITCHEN}"' in one.said else GARDEN
        asked[room].append(one.at)
        if one.at - asked[room][0] >= lasts[room]:
            return says(to(room, "Now it went."))
        return limited(f"{THREE_MINUTES:.0f}" if room == KITCHEN else None)

    with claude_house(engine) as house:
        house.model.rule = busy
        messages = {room: house.say("hello", room) for room in lasts}
        start = time.monotonic()
        for seconds in LOOKS:
            until(partial(_has_passed, start + seconds))
            for room, message in messages.items():
                house.await_doing("rate limit", room)
                assert house.row(message)["claimed_epoch"] == 1
            told = " ".join(house.host.cli("status").stdout.split())
            assert told.count(": rate limit, for ") == 2, told
        for room, message in messages.items():
            assert house.answers(message) == ["Now it went."]
            assert (house.row(message)["status"], house.row(message)["tries"]) == ("completed", 0)
            assert house.epochs(room) == [(1, None)], "nobody took the wait for silence"
            assert asked[room][-1] - asked[room][0] >= lasts[room]
            assert len(asked[room]) < 30, "it is left alone for most of the time"
            house.await_doing("idle", room)
        # What the command line gave up over was no failure to anybody, and the runner says that it waited itself.
        until(lambda: GAVE_UP in house.host.cli("logs", house.session(GARDEN)).stdout)
        house.await_calm()


def _has_passed(moment: float) -> bool:
    return time.monotonic() >= moment
