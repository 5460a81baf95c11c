"""Ways in which a sandbox may fail to work, all at once on one host: what hangs is ended, what is honest is not."""

from __future__ import annotations

import signal
import time
from collections.abc import Mapping
from typing import Any

import pytest
from attrs import define, field

from schema.times import read_time
from tests.conftest import Figures
from tests.e2e.rooms import Rooms, rooms
from tests.support.sampling import by_turns

SILENCE = 6.6
"""Seconds without a sign of life that are tolerated here, fewer than the longest pause of the rate limit below.

In a real home it is a minute after a claim, then half an hour.
"""
DECLARED = 8.5
"""Seconds that the tool of a stopped sandbox says it needs: long enough to see that its loop does not answer."""
MOST_LATE = 5.0
SECONDS = 120.0
LOOK_SECONDS = 0.1
SETTINGS = f"""
[supervision]
claim_seconds = {SILENCE}
silence_minutes = {SILENCE / 60}
[retry]
most_tries = 2
first_pause_seconds = 0.05
delivery_pause_seconds = 0.05
"""
HANGING: Mapping[str, str] = {"hang": "hang", "freeze": "freeze"}
"""Faults that come again with every try of the message, and so end in its failure, which is told."""
STRUCK: Mapping[str, tuple[str, signal.Signals]] = {
    "stop": (f"work {DECLARED:g}", signal.SIGSTOP),
    "crash": ("work 6", signal.SIGKILL),
}
"""What is said in rooms whose sandbox is sent a signal once it is at work; the next life answers."""
HONEST: Mapping[str, tuple[str, str]] = {
    "slow": ("work 9", "I worked for 9 s"),
    "busy": ("wait 8", "I waited 8 s"),
    "limited": ("limited 10", "I was refused for 10 s"),
}
"""What looks like a fault and is none, and what it ends with."""
BIRTH = "birth"
"""Here the sandbox ends as soon as it starts, until somebody mends it."""


@define(eq=False)
class Watcher:
    """Looks at all rooms until everything has come to pass, and does what is to be done in between."""

    there: Rooms
    claimed: dict[tuple[str, int], float] = field(factory=dict[tuple[str, int], float])
    """When each life was first seen to work, by the wall clock."""
    struck: dict[str, float] = field(factory=dict[str, float])
    mended: bool = False
    seen: set[tuple[str, str, str]] = field(factory=set[tuple[str, str, str]])
    """The state of the loop and of progress that each room was seen in."""

    def run(self) -> None:
        """Watch until every room has been answered, or told."""
        end = time.monotonic() + SECONDS
        while not self._is_over():
            assert time.monotonic() < end, [(room, self.there.epochs(room)) for room in self._open()]
            self._look()
            time.sleep(LOOK_SECONDS)

    def _is_over(self) -> bool:
        return not self._open()

    def _open(self) -> list[str]:
        everyone = [*HANGING, *STRUCK, *HONEST, BIRTH]
        return [room for room in everyone if not self.there.heard(room)]

    def _look(self) -> None:
        now = time.time()
        for claim in self.there.claims():
            self.claimed.setdefault(claim, now)
        for room, (_, number) in STRUCK.items():
            if (room, 1) in self.claimed and room not in self.struck:
                self.there.signal(room, number)
                self.struck[room] = now
        if not self.mended and any(life["ended_at"] for life in self.there.epochs(BIRTH)):
            self.there.ask("groups update", group=BIRTH, provider="")
            self.mended = True
        for room, states in self.there.signals().items():
            self.seen.add((room, states["loop"], states["progress"]))


@pytest.mark.slow
@pytest.mark.timeout(150)
@pytest.mark.parametrize(
    "engine", by_turns(["process", pytest.param("docker", marks=pytest.mark.docker)]), indirect=True
)
def test_real_hangs_are_ended_in_time_and_nothing_that_is_honest_is(engine: str, figures: Figures) -> None:
    with rooms(engine, SETTINGS, *HANGING, *STRUCK, *HONEST, BIRTH) as there:
        watcher = Watcher(there)
        there.ask("groups update", group=BIRTH, provider="nobody")
        words = {**HANGING, **{room: text for room, (text, _) in (*STRUCK.items(), *HONEST.items())}, BIRTH: "hello"}
        for room, text in words.items():
            there.say(room, text)
        begin = time.monotonic()
        watcher.run()
        took = time.monotonic() - begin
        lives = {room: there.epochs(room) for room in words}

        late = [_late(watcher, room, life) for room in (*HANGING, "stop") for life in lives[room] if _killed(life)]
        assert [[_killed(life) for life in lives[room]] for room in HANGING] == [[True, True]] * len(HANGING)
        assert [_killed(life) for life in lives["stop"]] == [True, False]
        assert max(late) < MOST_LATE, late
        for room in HANGING:
            assert "(7 s allowed)" in str(lives[room][0]["detail"])
            assert "the sandbox kept failing" in there.heard(room)[0].text, "a failure is told"

        false = [(room, life["detail"]) for room in (*HONEST, BIRTH) for life in lives[room] if _killed(life)]
        assert false == [], "nothing that was honest was ended"
        for room, (_, words_at_last) in HONEST.items():
            assert words_at_last in there.heard(room)[0].text
            assert len(lives[room]) == 1
        assert [life["ending"] for life in lives["crash"]] == ["exited", None]
        assert lives[BIRTH][0]["ending"] == "exited"
        assert "I worked" in there.heard("stop")[0].text
        assert "I worked" in there.heard("crash")[0].text

        assert ("hang", "answers", "working") in watcher.seen, "its loop goes round beside the tool"
        assert ("stop", "no answer", "working") in watcher.seen, "its process lives, its loop is dead"
        assert ("limited", "answers", "rate limit") in watcher.seen
        figures(
            hangs_ended=len(late),
            false_kills=len(false),
            false_alarms=sum(loop == "no answer" for room, loop, _ in watcher.seen if room in HONEST),
            most_late_ms=round(1000 * max(late)),
            seconds=round(took),
        )


def _killed(life: Mapping[str, Any]) -> bool:
    return str(life["ending"]) == "killed"


def _late(watcher: Watcher, room: str, life: Mapping[str, Any]) -> float:
    """Seconds beyond what is tolerated, from the moment at which it was seen to work, or was struck."""
    ended = read_time(str(life["ended_at"])).timestamp()
    if room in watcher.struck:
        return ended - watcher.struck[room] - DECLARED
    return ended - watcher.claimed[room, int(life["number"])] - SILENCE
