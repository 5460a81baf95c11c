"""The disposable worker: a program that reads one outbox after another from its standard input, as `wire` says.

`python -I -m nanoclaw.link.worker`. It gives up what it does not need before the first byte of a stranger arrives: no
more files can be opened or grow, no process started, no network reached, memory and processor time are bounded. Its
input ends when the host does, and with it the worker.
"""

from __future__ import annotations

import ctypes
import json
import math
import os
import resource
import sys
import time
from collections.abc import Callable
from typing import BinaryIO

import apsw

from nanoclaw.link import wire
from nanoclaw.link.answer import decode, encode
from nanoclaw.link.layout import empty_outbound
from nanoclaw.link.reader import read_file
from schema.payloads import PayloadError, read_out
from schema.rows import OutKind

MOST_MEMORY = 640 << 20
"""Address space: two files of 64 MiB, one of them twice when it is rolled back, an answer, and the interpreter."""
MOST_SQLITE_MEMORY = 64 << 20
CPU_SECONDS_A_JOB = 3
"""The kernel's own limit, for a worker whose host cannot kill it: above all that `hardened` and the host allow."""

_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000


def main() -> None:
    """Get ready, give up what is not needed, say so, then answer until the input ends."""
    warm_up()
    given_up = confine()
    serve(sys.stdin.buffer, sys.stdout.buffer, given_up, before_each=allow_cpu)


def warm_up() -> None:
    """Do everything once: what is imported, compiled or cached on first use would later fail for want of a file."""
    decode(encode(read_file(empty_outbound(), None, 0)), 0)
    for kind in OutKind:
        try:
            read_out(kind, "{}")
        except PayloadError:
            continue


def confine() -> list[str]:
    """Give up what is not needed, for good. Returns what could be given up, beyond the limits, as words."""
    apsw.hard_heap_limit(MOST_SQLITE_MEMORY)
    libc = ctypes.CDLL(None)
    steps: dict[str, Callable[[], int]] = {
        "privileges": lambda: libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
        # As root the first is enough; elsewhere a user namespace gives the right to make the other.
        "network": lambda: libc.unshare(_CLONE_NEWNET) and libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET),
    }
    given_up = [name for name, give_up in steps.items() if give_up() == 0]
    for limit, most in (
        (resource.RLIMIT_AS, MOST_MEMORY),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        # Standard input, output and error are open; there is no fourth.
        (resource.RLIMIT_NOFILE, 3),
    ):
        resource.setrlimit(limit, (most, most))
    return given_up


def allow_cpu() -> None:
    """Let the kernel end this process when it has used up one more job's time."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = math.ceil(time.process_time()) + CPU_SECONDS_A_JOB
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


def serve(source: BinaryIO, sink: BinaryIO, given_up: list[str], *, before_each: Callable[[], None]) -> None:
    """Answer the requests in *source* on *sink* until *source* ends."""
    _say(sink, wire.frame(json.dumps({"process": os.getpid(), "given_up": given_up}).encode()))
    while len(header := source.read(wire.REQUEST.size)) == wire.REQUEST.size:
        size, journal_size, after = wire.REQUEST.unpack(header)
        database = source.read(size)
        journal = None if journal_size < 0 else source.read(journal_size)
        _say(sink, wire.TAKEN)
        before_each()
        _say(sink, wire.frame(encode(read_file(database, journal, after))))


def _say(sink: BinaryIO, data: bytes) -> None:
    sink.write(data)
    sink.flush()


if __name__ == "__main__":
    main()
