"""What `nanoclaw doctor` tries from inside: a sandbox of a new agent reaches nothing, by whatever way it tries."""

from __future__ import annotations

import json
import select
import shutil
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import trio

from nanoclaw.cli.finding import Finding, bad, note, well
from nanoclaw.core.closedness import Ajar, Closed, Unclear, judge_tries
from nanoclaw.core.egress import Policy
from nanoclaw.core.endpoints import BadEndpoint
from nanoclaw.errors import SandboxError
from nanoclaw.gateway.egress import Egress
from nanoclaw.gateway.gateway import Gateway, Way
from nanoclaw.kit.failures import one_line
from nanoclaw.kit.openings import open_in
from nanoclaw.kit.tree import TreeNode
from nanoclaw.sandboxes.engine import Engine
from nanoclaw.sandboxes.inside import GROUP, LooksInside, Said, make_folders, spec_in
from nanoclaw.sandboxes.own_network import own_network
from schema import files
from schema.way_file import WAY_FILE

CHECK = "closed"
NAME = "example.org"
"""Looked up, and asked of the proxy: a name that everybody's DNS knows."""
FAR = ("192.0.2.1", 9)
"""No machine: to find out by which of its own addresses this one would speak to others. Nothing is sent."""
REMOVE_SECONDS = 5.0
PROGRAM = f"""
import json, os, signal, socket
def attempt(work, *words):
    signal.alarm(3)
    try:
        work(*words)
    except Exception as exc:
        return type(exc).__name__
    finally:
        signal.alarm(0)
    return "done"
def late(*_):
    raise TimeoutError
def connect(address, port):
    socket.create_connection((address, port), timeout=1).close()
def say(address, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        plain.sendto(b"?", (address, port))
def proxy():
    if os.path.exists("{files.SANDBOX_GATEWAY}/{WAY_FILE}"):
        way = json.load(open("{files.SANDBOX_GATEWAY}/{WAY_FILE}"))
        plain = socket.create_connection((way["address"], way["ports"]["{files.PROXY_SOCKET}"]), timeout=5)
        plain.sendall(way["secret"].encode() + b"\\n")
        return plain
    plain = socket.socket(socket.AF_UNIX)
    plain.settimeout(5)
    plain.connect("{files.SANDBOX_GATEWAY}/{files.PROXY_SOCKET}")
    return plain
def ask(place):
    with proxy() as plain:
        plain.sendall(f"CONNECT {{place}} HTTP/1.1\\r\\nhost: {{place}}\\r\\n\\r\\n".encode())
        return (plain.recv(4096).split(b" ") + [b"nothing"])[1].decode()
signal.signal(signal.SIGALRM, late)
for address, port in PLACES:
    attempt(say, address, port)
print(json.dumps({{
    "links": [name for _, name in socket.if_nameindex()],
    "tcp": {{f"{{address}}:{{port}}": attempt(connect, address, port) for address, port in PLACES}},
    "dns": {{"{NAME}": attempt(socket.getaddrinfo, "{NAME}", 443)}},
    "proxy": {{place: ask(place) for place in ["{NAME}:443", *(f"{{address}}:{{port}}" for address, port in PLACES)]}},
}}))
"""
"""With `PLACES`, where somebody listens by TCP and UDP."""


async def closed(engine: Engine, scratch: Path, policy: Policy) -> Finding:
    """Start a sandbox of *engine* that tries to get out; *policy* is what a new agent may reach.

    Cancellation: nothing is left.
    """
    if not isinstance(engine, LooksInside):
        await trio.lowlevel.checkpoint()
        return note(CHECK, f"agents have no walls with {engine.name}: they reach whatever you reach")
    try:
        with sinks() as (places, listening):
            said, own_network = await _look(engine, scratch, policy, places)
            heard, _, _ = select.select(listening, [], [], 0)
    except SandboxError as exc:
        return bad(CHECK, f"a sandbox cannot be tried from inside: {exc}")
    match judge_tries(said, len(heard), own_network=own_network):
        case Closed(tried):
            return well(CHECK, f"{engine.name}: a new agent reaches nothing; {tried} ways out were tried from inside")
        case Ajar(ways):
            return bad(
                CHECK,
                f"{engine.name}: a new agent gets out: {'; '.join(ways)}",
                "start no agent with this engine until it is found out why",
            )
        case Unclear(why):
            return bad(CHECK, f"{engine.name}: {why}" + (f": {said[:200]}" if said else ""))


@contextmanager
def sinks() -> Iterator[tuple[Sequence[tuple[str, int]], list[socket.socket]]]:
    """Somebody who listens by TCP and UDP on addresses of this machine: where, and by what."""
    with ExitStack() as held:
        places, listening = [], []
        for address in {"127.0.0.1", *_outward()}:
            tcp = held.enter_context(socket.create_server((address, 0)))
            port = int(tcp.getsockname()[1])
            udp = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            udp.bind((address, port))
            places.append((address, port))
            listening += [tcp, udp]
        yield places, listening


def _outward() -> tuple[str, ...]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        try:
            plain.connect(FAR)
        except OSError:
            return ()
        return (str(plain.getsockname()[0]),)


async def _look(
    engine: LooksInside, scratch: Path, policy: Policy, places: Sequence[tuple[str, int]]
) -> tuple[str, bool]:
    """What the program inside says, behind the gateway that every sandbox has; is that on a network of its own?

    Raises `SandboxError`.
    """
    owner = engine.owner_of(GROUP)
    folder = await trio.to_thread.run_sync(make_folders, scratch, owner)
    gateway, life = Gateway(lambda _: None, TreeNode(CHECK)), spec_in(folder).life

    async def allowed() -> Policy:
        await trio.lowlevel.checkpoint()
        return policy

    said: Said | SandboxError
    try:
        async with own_network(engine, life) as at, trio.open_nursery() as nursery:
            way = Way(
                session=life.session,
                folder=folder / "gateway",
                owner=owner,
                endpoint=BadEndpoint("this sandbox has no model"),
                egress=Egress(policy=allowed, tell=lambda _: None),
                at=at,
            )
            user = None if owner is None else (owner.uid, owner.gid)
            try:
                opening = await trio.to_thread.run_sync(open_in, way.folder, way.names, user, at)
            except OSError as exc:
                said = SandboxError(engine="gateway", why=one_line(exc))
            else:
                nursery.start_soon(gateway.serve, way, opening.sockets, opening.seal)
                try:
                    said = await engine.look_inside(folder, f"PLACES = {json.dumps(list(places))}\n{PROGRAM}")
                except SandboxError as exc:
                    said = exc
            nursery.cancel_scope.cancel()
    finally:
        with trio.move_on_after(REMOVE_SECONDS, shield=True):
            await trio.to_thread.run_sync(shutil.rmtree, folder)
    if isinstance(said, SandboxError):
        raise said
    return said.last, at is not None
