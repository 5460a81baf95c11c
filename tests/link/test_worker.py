"""The worker program: what it has given up before a stranger's first byte, and how it answers."""

from __future__ import annotations

import io
import json
import os
import re
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nanoclaw.link import wire, worker
from nanoclaw.link.answer import decode
from nanoclaw.link.report import Quarantine, Report
from nanoclaw.link.workers import COMMAND
from tests.link.outbox import ids, outbox, saying


def split(answers: bytes) -> list[bytes]:
    """The greeting and the answers in what a worker wrote."""
    found = []
    while answers:
        answers = answers.removeprefix(wire.TAKEN)
        (size,) = wire.LENGTH.unpack_from(answers)
        found.append(answers[wire.LENGTH.size : wire.LENGTH.size + size])
        answers = answers[wire.LENGTH.size + size :]
    return found


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """A worker that is ready."""
    with subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={}) as it:
        assert it.stdout is not None
        (size,) = wire.LENGTH.unpack(it.stdout.read(wire.LENGTH.size))
        hello = json.loads(it.stdout.read(size))
        assert hello["process"] == it.pid
        assert "privileges" in hello["given_up"]
        yield it
        it.kill()


def test_it_answers_one_request_after_another() -> None:
    requests = [
        *wire.request(outbox(saying(1, 2)), None, 1),
        *wire.request(b"garbage", b"", 0),
        *wire.request(outbox(saying(*range(1, 101), content='{"text": "' + "x" * 900 + '"}')), b"", 0),
    ]
    sink, jobs = io.BytesIO(), []
    worker.serve(io.BytesIO(b"".join(requests)), sink, ["nothing"], before_each=lambda: jobs.append(1))
    greeting, *answers = split(sink.getvalue())
    assert json.loads(greeting) == {"process": os.getpid(), "given_up": ["nothing"]}
    first, second, third = (decode(answer, after) for answer, after in zip(answers, (1, 0, 0), strict=True))
    assert isinstance(first, Report)
    assert ids(first) == ["m2"]
    assert isinstance(second, Quarantine)
    assert isinstance(third, Report)
    assert len(third.rows) == 100
    assert len(jobs) == 3


def test_half_a_request_is_no_request() -> None:
    sink = io.BytesIO()
    worker.serve(io.BytesIO(b"\0" * 10), sink, [], before_each=lambda: None)
    assert len(split(sink.getvalue())) == 1, "the greeting"


def test_warming_up_can_be_done_anywhere() -> None:
    worker.warm_up()


def test_it_ends_when_its_input_ends(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(30) == 0
    assert process.stderr is not None
    assert process.stderr.read() == b""


def test_its_limits_are_in_force(process: subprocess.Popen[bytes]) -> None:
    lines = Path(f"/proc/{process.pid}/limits").read_text(encoding="ascii").splitlines()[1:]
    limits = {line[:26].strip(): line[26:].split()[:2] for line in lines}
    assert limits["Max address space"] == [str(worker.MOST_MEMORY)] * 2
    assert limits["Max open files"] == ["3", "3"]
    assert limits["Max file size"] == ["0", "0"]
    assert limits["Max core file size"] == ["0", "0"]
    assert limits["Max processes"] == ["0", "0"]


def test_it_holds_its_three_pipes_and_nothing_else(process: subprocess.Popen[bytes]) -> None:
    descriptors = {path.name: str(path.readlink()) for path in Path(f"/proc/{process.pid}/fd").iterdir()}
    assert sorted(descriptors) == ["0", "1", "2"]
    assert all(target.startswith("pipe:") for target in descriptors.values())
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    assert "NoNewPrivs:\t1" in status
    assert Path(f"/proc/{process.pid}/environ").read_bytes() == b""


def test_it_works_within_its_limits(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    big = outbox(saying(*range(1, 300), content='{"text": "' + "x" * 190_000 + '"}'))
    assert len(big) > 50 << 20
    for part in wire.request(big, os.urandom(1 << 20), 0):
        process.stdin.write(part)
    process.stdin.flush()
    assert process.stdout.read(1) == wire.TAKEN
    (size,) = wire.LENGTH.unpack(process.stdout.read(wire.LENGTH.size))
    found = decode(process.stdout.read(size), 0)
    assert isinstance(found, Report)
    assert found.more
    (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text(encoding="ascii"))
    print(f"{int(peak) >> 10} MiB at most")
    assert int(peak) < 256 << 10


def test_one_job_more_is_allowed_each_time() -> None:
    program = (
        "import resource, time; from nanoclaw.link.worker import allow_cpu\n"
        "for hard in (resource.RLIM_INFINITY, 2):\n"
        "    resource.setrlimit(resource.RLIMIT_CPU, (resource.RLIM_INFINITY if hard < 0 else 1, hard)); allow_cpu()\n"
        "    print(*resource.getrlimit(resource.RLIMIT_CPU))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    first, second = (line.split() for line in done.stdout.splitlines())
    assert int(first[0]) <= 2 + worker.CPU_SECONDS_A_JOB
    assert first[1] == str(resource.RLIM_INFINITY)
    assert second == ["2", "2"]
