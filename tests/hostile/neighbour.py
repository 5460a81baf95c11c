"""Somebody in the good room: says something, waits for the answer, says the next thing, and keeps the time."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Sequence

from attrs import define, field

from tests.support.platform import FakePlatform

PAUSE_SECONDS = 0.2
FIRST_SECONDS = 90.0
LOST_SECONDS = 60.0
MOST_DELAY = 2.0
"""For 99 of 100 answers, in seconds, on a machine that has nothing else to do."""


def within(share: float, neighbours: Sequence[Neighbour]) -> float:
    """Within how many seconds that share of all their answers came."""
    delays = sorted(delay for neighbour in neighbours for delay in neighbour.delays)
    return delays[min(len(delays) - 1, int(len(delays) * share))]


@define(eq=False)
class Neighbour:
    """Talks to one good agent until told to stop."""

    _platform: FakePlatform
    room: str
    delays: list[float] = field(factory=list[float], init=False)
    """Seconds from what was said to its answer; the first, which waits for a sandbox to start, is not among them."""
    excused: bool = field(default=False, init=False)
    """Answers may take longer now, and do not count."""
    _lost: list[str] = field(factory=list[str], init=False)
    _said: int = field(default=0, init=False)
    _stop: threading.Event = field(factory=threading.Event, init=False)
    _thread: threading.Thread = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._thread = threading.Thread(target=self._talk, daemon=True)

    def start(self) -> None:
        """Say the first thing, wait for its answer, and go on by oneself."""
        assert self._ask(FIRST_SECONDS) is not None, f"nobody answers in {self.room}"
        self._thread.start()

    def stop(self) -> None:
        """Say nothing more, once what was said is answered."""
        self._stop.set()
        self._thread.join(LOST_SECONDS + FIRST_SECONDS)

    def await_calm(self) -> None:
        """Wait until something that is said now is answered; from then on answers are expected soon again."""
        said = self._said
        self._platform.await_posts(
            lambda posts: any(post.answers == self._id(said + 1) for post in posts), FIRST_SECONDS
        )
        self.excused = False

    def check(self) -> None:
        """Everything was answered, and once."""
        answers = Counter(post.answers for post in self._platform.posts if post.room == self.room)
        assert not self._lost, f"never answered in {self.room}: {self._lost}"
        assert answers == {self._id(number): 1 for number in range(1, self._said + 1)}

    def _talk(self) -> None:
        while not self._stop.wait(PAUSE_SECONDS):
            excused = self.excused
            delay = self._ask(LOST_SECONDS)
            if delay is not None and not excused and not self.excused:
                self.delays.append(delay)

    def _ask(self, seconds: float) -> float | None:
        self._said += 1
        wanted = self._id(self._said)
        begin = time.monotonic()
        self._platform.say({"id": wanted, "text": f"hello {self._said}", "room": self.room})
        if self._platform.await_posts(lambda posts: any(post.answers == wanted for post in posts), seconds):
            return time.monotonic() - begin
        self._lost.append(wanted)
        return None

    def _id(self, number: int) -> str:
        return f"{self.room}-{number}"
