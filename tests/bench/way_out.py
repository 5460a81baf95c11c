"""What the way out costs: a download through a tunnel, the first byte of an answer, memory for a hundred streams, and
how long it is away when the gateway was killed or hangs.

Each on the way has a process of its own, as in life: whoever asks, the runner's relay, the gateway, the host that it
asks, whoever answers.
"""

from __future__ import annotations

import itertools
import os
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog
import trio
import trustme
from rich.console import Console

from nanoclaw.core.egress import Policy, Rule
from nanoclaw.core.endpoints import read_endpoint
from nanoclaw.gateway.egress import Egress
from nanoclaw.gateway.gateway import Way
from nanoclaw.gateway.process import GatewayProcess
from nanoclaw.kit.tree import TreeNode
from nanoclaw.model.egress import EgressLimits
from nanoclaw.model.ids import SessionId
from runner.relay import open_relay
from schema.files import GATEWAY_SOCKET, PROXY_SOCKET, SANDBOX_GATEWAY

NEAR = "127.0.0.2"
HERE = "127.0.0.1"
DOWNLOAD = 200 << 20
PAIRS = 10
TRIES = 3
ANSWERS = 300
STREAMS = 100
LEAST_SHARE = 60.0
MOST_ADDED = 3.0
MOST_MIB = 150.0
MOST_AWAY = 5.0
MIB = 1 << 20
CHUNK = 256 << 10
OWN = frozenset({"proc", "dev", "nanoclaw"})
"""Of what is at the top of the machine, what the wall has of its own."""


def report(console: Console, work: Path) -> None:
    """Measure and print."""
    folder = work / "way-out"
    folder.mkdir()
    with (
        _running("server", str(folder)) as (ports, _),
        _running("host", str(folder), *ports.split()) as (gateway, host),
    ):
        plain, secure = (int(port) for port in ports.split())
        with _behind_the_wall(folder, plain, secure) as ask:
            shares = [
                _share(lambda: ask("rate"), lambda: _download(_connect(secure, None), folder)) for _ in range(PAIRS)
            ]
            direct = _first_bytes(lambda: _connect(plain, None))
            first, model = ask("first"), ask("model")
        memory = _streams(folder, str(plain), int(gateway))
        assert host.stdout is not None
        killed = _away(folder, str(plain), int(gateway), signal.SIGKILL)
        hung = _away(folder, str(plain), int(host.stdout.readline()), signal.SIGSTOP)
    what = f"200 MB of TLS by a tunnel, % of directly, {min(shares):.1f} at least (p50)"
    _say(console, what, statistics.median(shares), LEAST_SHARE)
    _say(console, "first byte by a tunnel, ms more than directly (p50)", -(first - direct), -MOST_ADDED)
    _say(console, "first byte of the model, ms more than directly (p50)", -(model - direct), -MOST_ADDED)
    _say(console, f"the gateway's memory with {STREAMS} streams, MiB", -memory, -MOST_MIB)
    _say(console, "until somebody is answered after the gateway was killed, s", -killed, -MOST_AWAY)
    _say(console, "until somebody is answered after the gateway has hung, s", -hung, -MOST_AWAY)


def _say(console: Console, what: str, value: float, least: float) -> None:
    held = "held" if value >= least else "MISSED"
    console.print(f"way out: {what}: {abs(value):.1f}, target {abs(least):.0f}: {held}", soft_wrap=True)


def _share(tunnel: Callable[[], float], direct: Callable[[], float]) -> float:
    """Percent of the direct rate, of the best of some that take turns: a machine is not equally fast all the time."""
    pairs = [(tunnel(), direct()) for _ in range(TRIES)]
    return 100 * max(rate for rate, _ in pairs) / max(rate for _, rate in pairs)


@contextmanager
def _behind_the_wall(folder: Path, plain: int, secure: int) -> Iterator[Callable[[str], float]]:
    """Whoever measures behind a wall, for one figure at a time."""
    tops = [("--ro-bind", f"{top}", f"{top}") for top in Path("/").iterdir() if top.name not in OWN]
    own = ("--proc", "/proc", "--dev", "/dev", "--ro-bind", str(folder), SANDBOX_GATEWAY)
    wall = ("bwrap", *itertools.chain(*tops), *own, "--unshare-net", "--die-with-parent")
    command = [*wall, sys.executable, "-m", "tests.bench.way_out", "inside", SANDBOX_GATEWAY, str(plain), str(secure)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def ask(what: str) -> float:
            assert process.stdout is not None
            print(what, file=process.stdin, flush=True)
            return float(process.stdout.readline())

        yield ask


def inside(folder: str, plain: str, secure: str) -> None:
    """Say what is asked for, behind the wall, by way of relays such as the runner's."""
    place = Path(folder)
    tunnels, models = (_running("relay", str(place / name)) for name in (PROXY_SOCKET, GATEWAY_SOCKET))
    with tunnels as (tunnel, _), models as (model, _):
        ways: dict[str, Callable[[], float]] = {
            "rate": lambda: _download(_connect(int(secure), int(tunnel)), place),
            "first": lambda: _first_bytes(lambda: _connect(int(plain), int(tunnel))),
            "model": lambda: _first_bytes(lambda: socket.create_connection((HERE, int(model)))),
        }
        for line in sys.stdin:
            print(ways[line.strip()](), flush=True)


def _first_bytes(connect: Callable[[], socket.socket]) -> float:
    """Milliseconds to the first byte of an answer on a new connection, at the median."""
    return statistics.median(_first_byte(connect) for _ in range(ANSWERS))


def _connect(port: int, tunnel: int | None) -> socket.socket:
    if tunnel is None:
        return socket.create_connection((NEAR, port))
    plain = socket.create_connection((HERE, tunnel))
    _ask_for_tunnel(plain, str(port))
    return plain


def _ask_for_tunnel(plain: socket.socket, port: str) -> None:
    plain.sendall(f"CONNECT {NEAR}:{port} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += (more := plain.recv(1))
        assert more, head
    assert b" 200 " in head, head


def _download(plain: socket.socket, folder: Path) -> float:
    """MiB a second."""
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    with context.wrap_socket(plain, server_hostname=NEAR) as secure:
        began = time.perf_counter()
        secure.sendall(b"GET /v1/all HTTP/1.1\r\nhost: x\r\n\r\n")
        buffer, got = bytearray(1 << 20), 0
        while got < DOWNLOAD:
            got += (more := secure.recv_into(buffer))
            assert more
        return got / MIB / (time.perf_counter() - began)


def _first_byte(connect: Callable[[], socket.socket]) -> float:
    """Milliseconds from nothing to the first byte of the answer's body."""
    began = time.perf_counter()
    with connect() as plain:
        plain.sendall(b"GET /v1/one HTTP/1.1\r\nhost: x\r\n\r\n")
        heard = b""
        while b"\r\n\r\n1" not in heard:
            heard += (more := plain.recv(4096))
            assert more, heard
    return (time.perf_counter() - began) * 1000


def _streams(folder: Path, port: str, pid: int) -> float:
    """The gateway's memory in MiB, while a hundred downloads are under way that nobody is in a hurry to hear."""
    held = []
    for _ in range(STREAMS):
        plain = socket.socket(socket.AF_UNIX)
        plain.connect(str(folder / PROXY_SOCKET))
        _ask_for_tunnel(plain, port)
        plain.sendall(b"GET /v1/all HTTP/1.1\r\nhost: x\r\n\r\n")
        held.append(plain)
    most = 0.0
    for _ in range(20):
        for plain in held:
            plain.recv(1 << 16)
        words = Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()
        most = max(most, int(words[0]) / 1024)
    for plain in held:
        plain.close()
    return most


def _away(folder: Path, port: str, pid: int, number: signal.Signals) -> float:
    """Seconds from the gateway's end to the answer to somebody who asks right then."""
    os.kill(pid, number)
    began = time.perf_counter()
    with socket.socket(socket.AF_UNIX) as plain:
        plain.connect(str(folder / PROXY_SOCKET))
        # It may be taken by the one that is dying.
        with suppress(OSError, AssertionError):
            _ask_for_tunnel(plain, port)
            return time.perf_counter() - began
    return time.perf_counter() - began + _away_for_others(folder, port)


def _away_for_others(folder: Path, port: str) -> float:
    began = time.perf_counter()
    with socket.socket(socket.AF_UNIX) as plain:
        plain.connect(str(folder / PROXY_SOCKET))
        _ask_for_tunnel(plain, port)
    return time.perf_counter() - began


@contextmanager
def _running(*words: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """One of the processes below; the first thing it says, and it."""
    command = [sys.executable, "-m", "tests.bench.way_out", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip(), process
        finally:
            process.kill()


def serve(folder: str) -> None:
    """Answers `/v1/all` with 200 MiB, and everything else with one byte: on a port without TLS, and on one with."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(f"{folder}/ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(NEAR).configure_cert(context)
    listeners = [socket.create_server((NEAR, 0)) for _ in range(2)]
    print(*(one.getsockname()[1] for one in listeners), flush=True)

    def answer(stream: socket.socket) -> None:
        with suppress(OSError), stream:
            size = DOWNLOAD if b"/all" in stream.recv(65536) else 1
            stream.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size)
            for _ in range(max(1, size // CHUNK)):
                stream.sendall(b"1" * min(size, CHUNK))

    def take(listener: socket.socket, wrap: Callable[[socket.socket], socket.socket]) -> None:
        while True:
            stream, _ = listener.accept()
            threading.Thread(target=lambda stream=stream: answer(wrap(stream)), daemon=True).start()

    threading.Thread(target=take, args=(listeners[0], lambda stream: stream), daemon=True).start()
    take(listeners[1], lambda stream: context.wrap_socket(stream, server_side=True))


async def host(folder: str, port: str, _: str) -> None:
    """Keeps the gateway, with one way that leads to the server; says the number of each process that there is."""

    async def policy() -> Policy:
        await trio.lowlevel.checkpoint()
        return Policy(rules=(Rule(host=NEAR, port=None, near=True),))

    limits = EgressLimits(connections=2 * STREAMS, requests=100_000, total_bytes=2 * PAIRS * TRIES * DOWNLOAD)
    egress = Egress(policy=policy, tell=lambda _: None, limits=limits)
    way = Way(
        session=SessionId("ses-1"),
        folder=Path(folder),
        owner=None,
        endpoint=read_endpoint(f"http://{NEAR}:{port}"),
        egress=egress,
    )
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    node, said = TreeNode("gateway"), ""
    kept = GatewayProcess(Path(folder), node)
    async with trio.open_nursery() as nursery:
        await nursery.start(kept.run)
        async with kept.open(way):
            while True:
                now = node.signals()["process"]
                if now.isdecimal() and now != said:
                    print(now, flush=True)
                    said = now
                await trio.sleep(0.02)


async def relay(path: str) -> None:
    """The runner's end."""
    async with open_relay(path) as there:
        print(there.port, flush=True)
        await trio.sleep_forever()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["server", where]:
            serve(where)
        case ["inside", where, plain_port, secure_port]:
            inside(where, plain_port, secure_port)
        case ["relay", where]:
            trio.run(relay, where)
        case ["host", where, plain_port, secure_port]:
            trio.run(host, where, plain_port, secure_port)
        case unknown:
            sys.exit(f"no such process: {unknown}")
