"""The template of customs' workers: a process that is a worker already, but for the files, and forks one when asked.

`python -I -m nanoclaw.link.worker_template`. Its standard input is a unix socket. An order is `wire.ORDER`: start a
worker on the two pipes that come with it, or end the one of that number. It never sees a byte of a file itself, and
starts in a quarter of a second what then costs each worker a few milliseconds. It ends when the host does, and its
workers with it. Only it waits for them, and only when it ends them, so the number of one is nobody else's meanwhile.
"""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import socket
from typing import NoReturn

from nanoclaw.link import wire, worker

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Get ready, say so, then do as ordered until the line is closed."""
    worker.warm_up()
    # What is there by now is never looked at again, so that workers go on sharing its pages.
    gc.freeze()
    with socket.socket(fileno=os.dup(0)) as line:
        line.sendall(wire.READY)
        serve(line)


def serve(line: socket.socket) -> None:
    """Start and end workers as the orders on *line* say, until it is closed."""
    while True:
        order, pipes, _, _ = socket.recv_fds(line, wire.ORDER.size, 2)
        if len(order) < wire.ORDER.size:
            return
        number, has_pipes = wire.ORDER.unpack(order)
        if not has_pipes:
            end(number)
            continue
        try:
            is_worker = os.fork() == 0
        except OSError:  # Its pipes are closed below, which says all there is to say.
            is_worker = False
        if is_worker:
            be_worker(line, *pipes)
        for pipe in pipes:
            os.close(pipe)


def end(number: int) -> None:
    """Kill a worker and wait for it. A number that is no child's any more may be anybody's, and is let be."""
    try:
        is_over = os.waitpid(number, os.WNOHANG)[0] == number
    except ChildProcessError:
        return
    if not is_over:
        os.kill(number, signal.SIGKILL)
        os.waitpid(number, 0)


def be_worker(line: socket.socket, source: int, sink: int) -> NoReturn:
    """Be a worker on these pipes to the end."""
    code = 1
    try:
        line.close()
        os.dup2(source, 0)
        os.dup2(sink, 1)
        os.closerange(3, max(source, sink) + 1)
        given_up = worker.confine()
        # After the namespaces: changing them forgets it.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        with open(0, "rb") as requests, open(1, "wb") as answers:  # of a descriptor, not of a path
            worker.serve(requests, answers, given_up, before_each=worker.allow_cpu)
        code = 0
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
