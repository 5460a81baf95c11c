"""AT-29, webhooks, at its size: ten thousand connections, huge bodies and slow ones, while good calls go through."""

from __future__ import annotations

import resource
import threading
import time
from pathlib import Path

import pytest
import trio

from nanoclaw.channels.webhook.server import Bounds
from nanoclaw.channels.webhook.signatures import MOST_BODY
from tests.channels.webhook.calls import by_github, by_standard, written
from tests.channels.webhook.wire import Wire, answer, webhooks
from tests.conftest import Figures

TEXT = written({"text": "all is well"})
BOUNDS = Bounds(head=0.5, body=0.5)
HUGE = 100 << 20


@pytest.mark.parametrize(
    ("many", "good"), [(300, 10), pytest.param(10_000, 200, marks=[pytest.mark.soak, pytest.mark.timeout(600)])]
)
async def test_a_crowd_holds_up_good_calls_for_a_while_and_leaves_nothing(
    many: int, good: int, figures: Figures
) -> None:
    before = descriptors(), threading.active_count()
    waits: list[float] = []
    answers: list[int] = []
    async with webhooks(bounds=BOUNDS) as there:
        at_once = trio.CapacityLimiter(200)

        async def bad(number: int) -> None:
            async with at_once:
                answers.append(await one_of_a_crowd(there, number))

        async with trio.open_nursery() as nursery:
            for number in range(many):
                nursery.start_soon(bad, number)
            for number in range(good):
                began = time.monotonic()
                assert (await there.call("/hooks/ci", by_standard(TEXT, f"msg_{number}"), TEXT))[0] == 200
                waits.append(time.monotonic() - began)
        assert len(there.house.heard) == good
        assert set(answers) <= {0, 400, 401, 408, 413}
    assert descriptors() <= before[0] + 1
    assert threading.active_count() <= before[1] + 1
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    figures(calls=many, slowest_good_ms=round(1000 * max(waits)), peak_kib=peak)


async def one_of_a_crowd(there: Wire, number: int) -> int:
    """Somebody with a bad way of calling; what they were told."""
    match number % 4:
        case 0:
            return (await there.say(b"POST /hooks/ci HTTP/1.1\r\n"))[0]
        case 1:
            return (await there.call("/hooks/repo", by_github(TEXT + b" "), TEXT))[0]
        case 2:
            return (await there.say(b"\0" * 1000 + b"\r\n\r\n"))[0]
        case _:
            head = "".join(f"{name}: {value}\r\n" for name, value in by_github(TEXT).items())
            start = f"POST /hooks/repo HTTP/1.1\r\nhost: x\r\ncontent-length: {MOST_BODY}\r\n{head}\r\n"
            return (await there.say(start.encode(), TEXT))[0]


async def test_a_hundred_megabytes_are_refused_by_their_length_or_cut_off_at_their_bound() -> None:
    async with webhooks() as there:
        head = "".join(f"{name}: {value}\r\n" for name, value in by_github(TEXT).items())
        assert (
            await there.say(f"POST /hooks/repo HTTP/1.1\r\nhost: x\r\ncontent-length: {HUGE}\r\n{head}\r\n".encode())
        )[0] == 413
        sent = 0
        async with await there.connect() as stream:
            start = f"POST /hooks/repo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n{head}\r\n"
            await stream.send_all(start.encode())
            try:
                while sent < HUGE:
                    await stream.send_all(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
                    sent += 0x10000
            except trio.BrokenResourceError:
                assert sent < 40 * MOST_BODY, "what nobody hears fills the kernel's memory at most"
            assert (await answer(stream))[0] in (0, 413)
        assert sent < HUGE
        assert there.house.heard == []


def descriptors() -> int:
    """How many this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))
