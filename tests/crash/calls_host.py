"""The life of a whole host, for `tests.crash.calls_driver`: from a message with a file to its reply."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import trio
from attrs import define, field

from nanoclaw import app, config
from nanoclaw.gateway.process import GatewayProcess
from nanoclaw.kit.clock import SystemClock
from nanoclaw.kit.spool import Spool
from nanoclaw.logs import log_to_file
from nanoclaw.sandboxes.engine import Engine
from nanoclaw.sandboxes.runtime import find_runtime
from nanoclaw.store.home import held
from tests.crash.driver import MakeCustoms, Platform, is_delivered, make_template, what_is_wrong
from tests.support.platform_channel import PlatformChannel
from tests.support.warm_gateway import warm_gateway
from tests.support.warm_runner import warm_engine

LOOK_SECONDS = 0.05
LONGEST_LIFE = 12.0
"""A host that something went wrong in may try again after a pause; what it has not done by then, the next one does."""
LONGEST_MENDING = 180.0


@define
class Host:
    """Takes in a message with a file, and sends both back."""

    work: Path
    platform: Platform
    customs: MakeCustoms
    _lives: int = field(default=0, init=False)
    _engines: tuple[Engine, ...] = field(default=(), init=False)
    _gateways: Callable[..., GatewayProcess] = field(default=GatewayProcess, init=False)

    @property
    def home(self) -> Path:
        """Where it lives."""
        return self.work / "life"

    def make_template(self) -> Path:
        """A home with one agent."""
        folder = self.work / "template"
        make_template(folder)
        return folder

    def begin(self) -> None:
        """Somebody has said something, just now."""
        self._lives += 1
        self.platform.begin(self._lives)

    def be_born(self) -> None:
        """What its runners are forks of is there before it: a system call of theirs is none of the host's."""
        self._engines, self._gateways = (warm_engine(find_runtime()),), warm_gateway()

    def live(self) -> None:
        """Be the host until all is done. Raises what ended it before, or `TooSlowError`."""
        self._be_host(LONGEST_LIFE)

    def what_is_wrong(self, told: list[dict[str, Any]]) -> str:
        """Let another host go on with what that life has left; then look."""
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                self.be_born()
                self._be_host(LONGEST_MENDING)
                code = 0
            finally:
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if code:
            return f"the next host has not brought it to its end, either: {code}"
        return "; ".join(what_is_wrong(self.home, self.platform.client, may_park=True))

    def _be_host(self, seconds: float) -> None:
        settings = config.load(self.home)
        log_to_file(settings.log_file, debug=True)
        channel = PlatformChannel(self.platform.port, spool=Spool(self.home / "spool"))
        is_up = trio.Event()

        async def main() -> None:
            with trio.fail_after(seconds):
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(
                        lambda: app.serve(
                            settings,
                            announce=lambda _: is_up.set(),
                            engines=lambda: self._engines,
                            customs=self.customs,
                            gateways=self._gateways,
                            more_channels=lambda: [channel],
                        )
                    )
                    # What a life before has left is seen to until then, also where that has said all there is to say.
                    await is_up.wait()
                    while not is_delivered(self.home):  # noqa: ASYNC110 - it is seen in the file alone
                        await trio.sleep(LOOK_SECONDS)
                    nursery.cancel_scope.cancel()

        with held(self.home, now=SystemClock().now()):
            trio.run(main)
