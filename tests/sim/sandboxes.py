"""The simulated engine: boxes that outlive a host or do not, and whatever can go wrong with asking for them."""

from __future__ import annotations

import signal
from collections.abc import Callable, Collection, Generator
from contextlib import contextmanager
from pathlib import Path

import trio
from attrs import define, field

from nanoclaw.errors import SandboxError
from nanoclaw.kit.clock import Clock
from nanoclaw.model.ids import AgentGroupId
from nanoclaw.model.sandbox import Owner
from nanoclaw.sandboxes.engine import Exit, LifeName, Probe, SandboxSpec, Usable
from nanoclaw.sandboxes.log import SandboxLog
from tests.sim.history import Born, Ended, History
from tests.sim.mortal import Mortal
from tests.sim.runner import CrashedError, SimRunner
from tests.sim.weather import Weather

ENGINE = "simulated"
MOST_BOXES = 60


@define(eq=False)
class Box:
    """A sandbox in the world: it lives on when its host dies."""

    spec: SandboxSpec
    _yard: Yard
    runner: SimRunner = field(init=False)
    exit: Exit | None = field(default=None, init=False)
    ended: trio.Event = field(factory=trio.Event, init=False)
    _scope: trio.CancelScope = field(factory=trio.CancelScope, init=False)
    _running: trio.Event = field(factory=trio.Event, init=False)
    _signal: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self._running.set()
        self.runner = SimRunner(self.spec, self, self._yard.clock, self._yard.weather, self._yard.history)

    async def live(self) -> None:
        """Run its program to the end."""
        life, code = self.spec.life, 0
        self._yard.history.note(Born(life.session, life.epoch))
        try:
            with self._scope:
                await self.runner.run()
        except CrashedError:
            code = 1
        self.exit = Exit(code=-self._signal if self._scope.cancelled_caught else code)
        self._yard.history.note(Ended(life.session, life.epoch, self.exit.code))
        self.ended.set()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        if number is signal.SIGKILL or not self.runner.stubborn:
            self._signal = number
            self._scope.cancel()

    def pause(self) -> None:
        """Nothing runs in it until `resume`."""
        self._running = trio.Event()

    def resume(self) -> None:
        """It goes on."""
        self._running.set()

    async def awake(self) -> None:
        """See `runner.Yard`."""
        await self._running.wait()

    def say(self) -> None:
        """See `runner.Yard`."""
        self._yard.committed(self.spec.life.outbound)


@define(eq=False)
class Yard:
    """All boxes there are, and who watches their folders."""

    clock: Clock
    weather: Weather
    history: History
    nursery: trio.Nursery
    boxes: list[Box] = field(factory=list[Box], init=False)
    crowded: trio.Event = field(factory=trio.Event, init=False)
    """So many boxes were made that something must be going round in circles."""
    _made: int = field(default=0, init=False)
    _watchers: dict[Path, list[Callable[[], None]]] = field(factory=dict[Path, list[Callable[[], None]]], init=False)

    def make(self, spec: SandboxSpec) -> Box:
        """A new box, alive."""
        self._made += 1
        if self._made > MOST_BOXES:
            self.crowded.set()
        box = Box(spec, self)
        self.boxes.append(box)
        self.nursery.start_soon(box.live)
        return box

    def find(self, life: LifeName) -> list[Box]:
        """Those of that life that are there, alive or not."""
        return [box for box in self.boxes if box.spec.life == life]

    def look(self) -> None:
        """A host may have written into any inbox."""
        for box in self.boxes:
            box.runner.look()

    def committed(self, folder: Path) -> None:
        """A runner has committed in its *folder*."""
        for wake in self._watchers.get(folder, ()):
            wake()

    def kill_all(self) -> None:
        """The engine restarts, or the machine does."""
        for box in self.boxes:
            box.send(signal.SIGKILL)

    @contextmanager
    def watching(self, directory: Path, wake: Callable[[], None]) -> Generator[None]:
        """See `nanoclaw.kit.watch.Watch`."""
        watchers = self._watchers.setdefault(directory, [])
        watchers.append(wake)
        try:
            yield
        finally:
            watchers.remove(wake)


@define(eq=False)
class SimSandbox:
    """Implements `Sandbox`: one host's hold on a box."""

    _box: Box
    _engine: SimEngine

    async def wait(self) -> Exit:
        """See `Sandbox.wait`."""
        with self._engine.mortal.waiting():
            await self._box.ended.wait()
        assert self._box.exit is not None
        return self._box.exit

    async def copy_log(self, log: SandboxLog) -> None:
        """It says nothing."""
        with self._engine.mortal.waiting():
            await self._box.ended.wait()

    def show_log(self) -> None:
        """There is nothing to show."""

    async def pause(self) -> None:
        """See `Sandbox.pause`."""
        await self._engine.ask()
        self._box.pause()

    async def resume(self) -> None:
        """See `Sandbox.resume`."""
        await self._engine.ask()
        self._box.resume()

    async def stop(self, grace: float) -> Exit:
        """See `Sandbox.stop`."""
        await self._engine.ask()
        with self._engine.mortal.waiting():
            try:
                if grace:
                    self._box.resume()
                    self._box.send(signal.SIGTERM)
                    with trio.move_on_after(grace):
                        await self._box.ended.wait()
            finally:
                if not self._engine.mortal.dead:
                    self._box.send(signal.SIGKILL)
            await self._box.ended.wait()
        assert self._box.exit is not None
        return self._box.exit

    async def remove(self) -> None:
        """See `Sandbox.remove`."""
        await self._engine.ask()
        assert self._box.ended.is_set()
        if self._box in self._engine.yard.boxes:
            self._engine.yard.boxes.remove(self._box)


@define(eq=False)
class SimEngine:
    """Implements `Engine` for one life of a host."""

    yard: Yard
    mortal: Mortal
    survives: bool
    """Do its sandboxes outlive the host?"""
    name: str = field(default=ENGINE, init=False)
    mounts_inside_agent: bool = field(default=False, init=False)
    fails_next: SandboxError | None = field(default=None, init=False)
    """What the next question is answered by."""

    def owner_of(self, group: AgentGroupId) -> Owner | None:
        """This process."""
        return None

    async def probe(self) -> Probe:
        """It works."""
        await trio.lowlevel.checkpoint()
        return Usable(version="1", walls="none", lacks="all")

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Serve until cancelled."""
        task_status.started()
        await trio.sleep_forever()

    async def start(self, spec: SandboxSpec) -> SimSandbox:
        """See `Engine.start`."""
        weather = self.yard.weather
        await self.ask()
        with self.mortal.waiting():
            await trio.sleep(weather.luck.choice((0.0, 0.3, 15.0)) if weather.storm else 0.3)
        box = self.yard.make(spec)
        if weather.strikes(0.3):
            raise SandboxError(engine=ENGINE, why="its answer was lost")
        self.mortal.step()
        return SimSandbox(box, self)

    async def adopt(self, life: LifeName) -> SimSandbox | None:
        """See `Engine.adopt`."""
        await self.ask()
        found = [box for box in self.yard.find(life) if not box.ended.is_set()]
        return SimSandbox(found[0], self) if found and self.survives else None

    async def bury(self, life: LifeName) -> None:
        """See `Engine.bury`."""
        await self.ask()
        for box in self.yard.find(life):
            await self._end(box)

    async def remove_others(self, keep: Collection[LifeName]) -> int:
        """See `Engine.remove_others`."""
        await self.ask()
        others = [box for box in self.yard.boxes if box.spec.life not in keep]
        for box in others:
            await self._end(box)
        return len(others)

    def hurry(self) -> None:
        """End every sandbox at once."""
        if not self.mortal.dead:
            self.yard.kill_all()

    async def ask(self) -> None:
        """Any question to the engine: it may be away, or fail. Raises `SandboxError`."""
        await trio.lowlevel.checkpoint()
        self.mortal.step()
        if self.fails_next is not None:
            failure, self.fails_next = self.fails_next, None
            raise failure
        if self.yard.weather.engine_away or self.yard.weather.strikes(0.2):
            raise SandboxError(engine=ENGINE, why="nobody answers")

    async def _end(self, box: Box) -> None:
        box.send(signal.SIGKILL)
        with self.mortal.waiting():
            await box.ended.wait()
        self.yard.boxes.remove(box)
