"""The program itself, started as an engine starts it."""

from __future__ import annotations

import json
import math
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from nanoclaw.sandboxes.runtime import find_runtime
from schema.commit_watch import CommitWatch
from schema.files import ANSWER, DOORBELL, HEARTBEAT
from tests.runner.link import Link, chat
from tests.support.in_time import once_in_time_of

SECONDS = 30.0


@contextmanager
def running(link: Link, *more: str) -> Iterator[subprocess.Popen[bytes]]:
    """The program on *link*, for the length of the block."""
    runtime = find_runtime()
    settings = link.folder / "container.json"
    settings.write_text('{"assistantName": "Bo"}')
    argv = runtime.argv(
        str(runtime.interpreter),
        [str(runtime.runner.parent), str(runtime.packages)],
        [
            *("--in", str(link.inside), "--out", str(link.out), "--agent", str(link.folder)),
            *("--container-json", str(settings), *more),
        ],
    )
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def wait(link: Link, watch: CommitWatch, what: Callable[[], object]) -> None:
    """Wait for commits of the runner until *what* is so."""
    end = time.monotonic() + SECONDS
    while not what():
        left = end - time.monotonic()
        assert left > 0, "it took too long"
        select.select([watch.fd], [], [], min(left, 1.0))
        watch.drain()


@contextmanager
def watching(link: Link) -> Iterator[CommitWatch]:
    """See the runner's commits."""
    watch = CommitWatch()
    watch.add(link.out)
    yield watch
    watch.close()


def end(process: subprocess.Popen[bytes]) -> tuple[int, list[dict[str, object]]]:
    """Its exit code, and what it said."""
    _, said = process.communicate(timeout=SECONDS)
    return process.returncode, [json.loads(line) for line in said.splitlines()]


def test_it_answers_and_leaves_when_told(links: Callable[[], Link]) -> None:
    once_in_time_of(2, lambda: answers_and_leaves(links()))


def answers_and_leaves(link: Link) -> float:
    """The seconds from its being told to its end."""
    os.utime(link.out / HEARTBEAT, (1, 1))
    link.say(chat("hello"))
    with watching(link) as watch, running(link) as process:
        wait(link, watch, link.messages)
        link.say(chat("make haste"))
        wait(link, watch, lambda: len(link.messages()) == 2)
        process.send_signal(signal.SIGTERM)
        asked = time.monotonic()
        code, said = end(process)
        took = time.monotonic() - asked
    if code == -signal.SIGALRM:
        return math.inf  # the alarm that it sets itself was quicker
    assert code == 0
    assert "I am Bo" in link.texts()[0]
    assert link.acks() == {"m2": "completed", "m4": "completed"}
    assert link.saved() == {"continuation:demo": "2", "reached:demo": "2"}
    assert (link.out / HEARTBEAT).stat().st_mtime > 1
    assert [record["event"] for record in said] == ["ready", "turn", "turn", "stopping"]
    assert said[0]["epoch"] == 7
    return took


def test_told_to_leave_in_mid_turn_it_leaves_within_two_seconds_and_keeps_its_claim(
    links: Callable[[], Link],
) -> None:
    once_in_time_of(2, lambda: leaves_in_mid_turn(links()))


def leaves_in_mid_turn(link: Link) -> float:
    """The seconds from its being told to its end."""
    link.say(chat("wait 60"))
    with watching(link) as watch, running(link) as process:
        wait(link, watch, lambda: link.acks() and link.state()["current_tool"] == "wait")
        process.send_signal(signal.SIGTERM)
        asked = time.monotonic()
        code, _ = end(process)
        took = time.monotonic() - asked
    assert link.acks() == {"m2": "processing"}
    assert link.messages() == []
    if code == -signal.SIGALRM:
        return math.inf  # the alarm that it sets itself was quicker
    assert code == 0
    return took


def test_it_answers_the_doorbell_in_the_middle_of_a_tool(link: Link) -> None:
    link.say(chat("wait 60"))
    with watching(link) as watch, running(link):
        wait(link, watch, lambda: link.acks() and link.state()["current_tool"] == "wait")

        def rings() -> float:
            begin = time.monotonic()
            (link.inside / DOORBELL).touch()
            rung, answer = (link.inside / DOORBELL).stat().st_mtime_ns, link.out / ANSWER
            wait(link, watch, lambda: answer.exists() and answer.stat().st_mtime_ns == rung)
            return time.monotonic() - begin

        once_in_time_of(5, rings)
    assert link.acks() == {"m2": "processing"}


def test_it_ends_with_its_host(link: Link) -> None:
    with watching(link) as watch, running(link, "--parent-pipe") as process:
        link.say(chat("hello"))
        wait(link, watch, link.messages)
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None
        code, _ = end(process)
    assert code == 4


def test_a_crash_leaves_the_claim_for_the_host_to_find(link: Link) -> None:
    link.say(chat("crash"))
    with running(link) as process:
        code, _ = end(process)
    assert code == 3
    assert link.acks() == {"m2": "processing"}


def test_a_failure_is_told_and_the_next_message_answered(link: Link) -> None:
    link.say(chat("fail"))
    link.say(chat("make"), tries=1)
    with watching(link) as watch, running(link) as process:
        wait(link, watch, link.messages)
        process.send_signal(signal.SIGTERM)
        assert end(process)[0] == 0
    assert link.errors() == {"m2": "the demo was asked to fail, and did", "m4": None}
