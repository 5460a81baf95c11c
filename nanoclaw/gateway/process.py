"""The gateway's process as the host keeps it: one that ends or hangs is followed by another.

The sockets of sandboxes are the host's: they are made here and handed over. Whoever connects while there is no process
waits in the kernel's queue for the next one, and there is nothing behind the socket meanwhile.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import structlog
import trio
from attrs import define, field

from nanoclaw.core.gateway_lives import after_life
from nanoclaw.core.holds_gateway import BEGINS, NEXT, NONE, OVER, PROCESS
from nanoclaw.errors import SandboxError
from nanoclaw.gateway.answers import Answers, Turns
from nanoclaw.gateway.frames import Begin, Closed
from nanoclaw.gateway.gateway import Way, uncounted
from nanoclaw.gateway.life import Life, start
from nanoclaw.gateway.log_lines import pass_on
from nanoclaw.gateway.other_secrets import FOLDER
from nanoclaw.kit.failures import one_line
from nanoclaw.kit.ids import jitter
from nanoclaw.kit.openings import Opening, open_in, remove_from
from nanoclaw.kit.private_file import learn
from nanoclaw.kit.spawner import Spawner
from nanoclaw.kit.tree import TreeNode
from nanoclaw.model.sandbox import MIB

log = structlog.get_logger()

SHUT_SECONDS = 1.0
"""For the process to say the last of a way that is closed."""


@define(eq=False)
class GatewayProcess:
    """Keeps the process, and every way that is open in it."""

    _home: Path
    """Whose keys it uses."""
    _node: TreeNode
    _turns: Turns = field(default=uncounted)
    _luck: Callable[[], float] = jitter
    _spawner: Spawner = field(factory=Spawner)
    _ways: dict[int, Way] = field(factory=dict[int, Way], init=False)
    _openings: dict[int, Opening] = field(factory=dict[int, Opening], init=False)
    _numbers: Iterator[int] = field(factory=lambda: itertools.count(1), init=False)
    _again_at: float = field(default=0.0, init=False)
    """When the next process begins, on Trio's clock."""
    _life: tuple[Life, Answers] | None = field(default=None, init=False)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep a process until cancelled.

        Ready at once: a sandbox that asks before there is a process waits for it.

        Cancellation: the process is asked to end; one that does not is killed. See `Life.bury`.
        """
        self._node.signals = self._signals
        streak = 0
        # What starts the process is there until it has ended: it dies with that thread.
        know_secrets = partial(learn, self._home / FOLDER)
        await trio.to_thread.run_sync(know_secrets)
        with self._spawner.running():
            task_status.started()
            while True:
                began = trio.current_time()
                why = await self._live(know_secrets)
                again = after_life(streak, lasted=trio.current_time() - began, luck=self._luck())
                streak = again.streak
                self._node.restarted()
                self._node.last_error = why
                log.warning("gateway_ended", why=why, again_in=round(again.pause, 2))
                self._again_at = trio.current_time() + again.pause
                await trio.sleep(again.pause)

    @asynccontextmanager
    async def open(self, way: Way) -> AsyncIterator[None]:
        """Let *way* be open for the length of the block. Its sockets are there when the block begins.

        Raises:
          SandboxError: a socket cannot be made.

        Cancellation: closed at once, with every connection over it; the process has `SHUT_SECONDS` for its last words.
        """
        number, owner = next(self._numbers), None if way.owner is None else (way.owner.uid, way.owner.gid)
        opening: Opening | None = None
        try:
            try:
                opening = await trio.to_thread.run_sync(open_in, way.folder, way.names, owner, way.at)
            except OSError as exc:
                what = "its socket" if way.at is None else f"its port at {way.at}"
                raise SandboxError(engine="gateway", why=f"{what} cannot be made: {one_line(exc)}") from exc
            self._ways[number], self._openings[number] = way, opening
            try:
                self._hand_over(number, way, opening)
                self._show()
                yield
            finally:
                del self._ways[number], self._openings[number]
                await self._close(number, way)
        finally:
            if opening is not None:
                opening.close()
            remove_from(way.folder, way.names)
            self._show()

    def _hand_over(self, number: int, way: Way, opening: Opening) -> None:
        """Have the process serve it, if there is one now; the next one is told as it begins."""
        if self._life is None:
            return
        try:
            self._life[0].hand_over(number, way, opening)
        except OSError as exc:
            raise SandboxError(engine="gateway", why=f"its socket cannot be handed over: {one_line(exc)}") from exc

    async def _close(self, number: int, way: Way) -> None:
        """Have it closed, and hear what the process says of it last."""
        if self._life is not None:
            life, answers = self._life
            shut = answers.close(number, way)
            life.say(Closed(way=number))
            with trio.move_on_after(SHUT_SECONDS, shield=True):
                await shut.wait()

    async def _live(self, know_secrets: Callable[[], None]) -> str:
        """One life of the process; returns why it ended."""
        failed = None
        try:
            life = await start(self._spawner)
        except OSError as exc:
            return one_line(exc)
        try:
            async with trio.open_nursery() as nursery:
                answers = Answers(life.say, self._ways, self._turns, nursery, know_secrets)
                nursery.start_soon(life.pipe.run)
                nursery.start_soon(life.watch)
                nursery.start_soon(pass_on, life.program)
                life.say(Begin(home=str(self._home)))
                for number, way in self._ways.items():
                    life.hand_over(number, way, self._openings[number])
                self._life, heard_all = (life, answers), False
                try:
                    heard_all = await life.hear(answers)
                finally:
                    self._life = None
                    answers.end(heard_all=heard_all)
                nursery.cancel_scope.cancel()
        except* OSError as group:
            # As where the host has no descriptor left for the moment; the next life may find some.
            failed = one_line(group)
        finally:
            why = await life.bury()
        return failed or why

    def _show(self) -> None:
        self._node.set(doing=f"{len({way.session for way in self._ways.values()})} open")

    def _signals(self) -> Mapping[str, str]:
        if self._life is None:
            pause = self._again_at - trio.current_time()
            return {PROCESS: NONE, NEXT: f"in {pause:.1f} s"} if pause > 0 else {PROCESS: BEGINS}
        if not self._life[0].ready:
            return {PROCESS: BEGINS}
        life, _ = self._life
        return {
            PROCESS: str(life.program.pid),
            "memory": f"{life.memory // MIB} MiB",
            "connections": str(life.connections),
            **({OVER: ", ".join(over)} if (over := self._over()) else {}),
        }

    def _over(self) -> list[str]:
        """Sessions whose sandbox has used up what it may ask for."""
        return [
            way.session
            for way in self._ways.values()
            if way.egress is not None and way.egress.spending.is_over(way.egress.limits)
        ]
