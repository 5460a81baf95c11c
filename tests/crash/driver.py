"""The scenario "event → reply delivered", for `tests.support.crash`: prints one JSON line a run."""

from __future__ import annotations

import base64
import hashlib
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs
import trio
from attrs import define, field, frozen

from nanoclaw import app, config
from nanoclaw.kit.clock import SystemClock
from nanoclaw.kit.spool import Spool
from nanoclaw.link import wire
from nanoclaw.link.standing import CustomsByStanding
from nanoclaw.link.workers import TEMPLATE, Template
from nanoclaw.logs import log_to_file
from nanoclaw.sandboxes.runtime import Runtime, find_runtime
from nanoclaw.store.db import open_database
from nanoclaw.store.home import held, make_folders
from nanoclaw.store.setup import Operator, first_start
from nanoclaw.store.verify import verify
from schema import sqlite
from tests.crash.lanes import lane_of
from tests.support.crash import Killer, Scenario, crash_everywhere
from tests.support.platform import PlatformClient
from tests.support.platform_channel import ADA, CHANNEL, CONVERSATION, PlatformChannel
from tests.support.warm_gateway import warm_gateway
from tests.support.warm_runner import import_runner, warm_engine

BYTES = bytes(range(256)) * 300
"""A file that goes in and comes out again."""
PARKED = "/host/parked-"
"""How the key of what is said of a session goes on that is parked."""
SETTINGS = """
[sandbox]
engine = "process"
[retry]
first_pause_seconds = 0.02
delivery_pause_seconds = 0.02
[web]
enabled = false
"""


def make_template(home: Path) -> None:
    """A home with one agent, wired to the fake platform's room."""
    home.mkdir()
    (home / config.FILE).write_text(SETTINGS)
    make_folders(home)

    async def fill() -> None:
        async with open_database(home / "nanoclaw.db") as store:
            minted = iter(range(100))
            await store.transact(
                first_start,
                agent="Nano",
                operator=Operator(user=ADA, name="Ada", channel=CHANNEL, platform_id=CONVERSATION),
                mint=lambda prefix: f"{prefix}-{next(minted)}",
                now=SystemClock().now(),
            )

    trio.run(fill)


MakeCustoms = Callable[[], CustomsByStanding]


@define(eq=False)
class KeptTemplate(Template):
    """A template of workers that was started before the host, and outlives it: to start it is not what is tested."""

    kept: socket.socket = field(kw_only=True)

    @classmethod
    @contextmanager
    def started(cls) -> Iterator[MakeCustoms]:
        """Run one for the length of the block; makes customs that have their workers from it."""
        ours, theirs = socket.socketpair()
        with ours, theirs, subprocess.Popen(TEMPLATE, stdin=theirs.fileno(), env={}) as process:
            assert ours.recv(1) == wire.READY
            try:
                yield lambda: CustomsByStanding(template=cls(kept=ours))
            finally:
                process.kill()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """It is there, for workers that end later as well."""
        self._line = trio.socket.from_stdlib_socket(self.kept.dup())
        self._up.set()
        task_status.started()
        await trio.sleep_forever()


def be_host(home: Path, killer: Killer, port: int, customs: MakeCustoms, runtime: Runtime) -> None:
    """The real host, with the fake platform's channel beside the terminal; ends on SIGTERM."""
    engine, gateways = warm_engine(runtime), warm_gateway()
    settings = config.load(home)
    log_to_file(settings.log_file, debug=True)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(
                lambda: app.serve(
                    settings,
                    announce=lambda _: None,
                    engines=lambda: [engine],
                    customs=customs,
                    gateways=gateways,
                    more_channels=lambda: [PlatformChannel(port, on_event=killer.arm, spool=Spool(home / "spool"))],
                )
            )
            with trio.open_signal_receiver(signal.SIGTERM) as signals:
                await anext(signals)
            nursery.cancel_scope.cancel()

    with held(home, now=SystemClock().now()):
        trio.run(main, instruments=[killer])


def is_delivered(home: Path) -> bool:
    """Is the reply to the one event settled in the ledger, and the event, too? What the host says is no reply."""
    conn = sqlite.open_read_only(home / "nanoclaw.db")
    try:
        replies = "SELECT count(*) FROM ledger WHERE state = 'delivered' AND instr(id, '/host/') = 0"
        delivered = sqlite.integer(conn, replies)
        settled = sqlite.integer(conn, "SELECT count(*) FROM inbound WHERE status = 'completed'")
        return delivered > 0 and settled > 0
    finally:
        conn.close()


def what_is_wrong(home: Path, platform: PlatformClient, *, may_park: bool = False) -> list[str]:
    """Everything that `nanoclaw verify` finds, and whatever is not exactly one reply.

    With *may_park* its agent may also have said that it cannot work for a while.
    """
    conn = sqlite.open_read_only(home / "nanoclaw.db")
    try:
        problems = verify(conn, home, host=None, now=SystemClock().now())
        open_rows = sqlite.integer(conn, "SELECT count(*) FROM inbound WHERE status = 'pending' AND trigger = 1")
    finally:
        conn.close()
    wrong = [f"{problem.what}: {problem.where}" for problem in problems]
    posts = [post for post in platform.ask(op="posts")["posts"] if not (may_park and PARKED in post["key"])]
    if len(posts) != 1:
        wrong.append(f"the platform shows {len(posts)} replies: {posts}")
    if any(post["files"] != [["a.bin", hashlib.sha256(BYTES).hexdigest()]] for post in posts):
        wrong.append(f"not the file that was sent: {posts}")
    if open_rows:
        wrong.append(f"{open_rows} messages are open")
    return wrong


@frozen
class Platform:
    """A fake platform in a process of its own."""

    port: int
    client: PlatformClient

    @classmethod
    @contextmanager
    def started(cls) -> Iterator[Platform]:
        """Run one for the length of the block."""
        with subprocess.Popen(
            [sys.executable, "-m", "tests.support.platform"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            client = PlatformClient(port)
            yield cls(port, client)
            client.close()
            process.communicate()

    def begin(self, run: int) -> None:
        """Somebody sends a file and wants it back, for the first time ever."""
        self.client.ask(op="reset")
        files = [{"name": "a.bin", "data": base64.b64encode(BYTES).decode()}]
        self.client.ask(op="say", id=f"m{run}", text="send it back", files=files)


def main() -> int:
    """Run lane *first* of *stride* in the folder *work*."""
    work, first, stride = lane_of(sys.argv)
    make_template(work / "template")
    import_runner()
    config.load(work / "template")
    failed = False
    with Platform.started() as platform, KeptTemplate.started() as customs:
        scenario = Scenario(
            template=work / "template",
            begin=platform.begin,
            host=lambda home, killer: be_host(home, killer, platform.port, customs, find_runtime()),
            done=is_delivered,
            check=lambda home: what_is_wrong(home, platform.client),
        )
        for outcome in crash_everywhere(scenario, work, first=first, stride=stride):
            print(json.dumps(attrs.asdict(outcome)), flush=True)
            failed = failed or bool(outcome.wrong)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
