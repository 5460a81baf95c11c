"""A container that runs, or ran: seen to its end, asked and made to end, removed so that nobody can doubt it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog
import trio
from attrs import define, field

from nanoclaw.errors import SandboxError
from nanoclaw.sandboxes.docker_api import (
    ENGINE,
    ContainerApi,
    ContainerId,
    Inspected,
    NoAnswerError,
    NotThereError,
    RequestError,
    State,
)
from nanoclaw.sandboxes.docker_log import LogCopy
from nanoclaw.sandboxes.engine import Exit, LifeName
from nanoclaw.sandboxes.log import SandboxLog
from nanoclaw.sandboxes.resources import Resources, of_container
from nanoclaw.sandboxes.waiting import Waiting

log = structlog.get_logger()

BURY_SECONDS = 5.0
"""How long a container that was sent SIGKILL may take to end, the daemon included."""
REMOVE_SECONDS = 20.0
"""How long one may take to be gone."""
SWITCH_SECONDS = 10.0
"""How long pausing may take, and resuming."""
LOOK_SECONDS = 0.5
"""How often one that has to end soon is looked at, in case its event was lost."""
SIGNAL_BASE = 128
MOST_SIGNAL = 64
KILLED = Exit(code=-9)


@define(eq=False)
class DockerSandbox:
    """A container of one life."""

    _api: ContainerApi
    id: ContainerId
    life: LifeName
    _gone: Callable[[DockerSandbox], None]
    """Told when it is removed."""
    paused: bool | None = False
    """Is it? None: a request to change it was not answered."""
    _exit: Exit | None = field(default=None, init=False)
    _ended: trio.Event = field(factory=trio.Event, init=False)
    _looking: trio.Lock = field(factory=trio.Lock, init=False)
    _copy: LogCopy = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._copy = LogCopy(self._api, self.id, self._ended.is_set)

    @property
    def exit(self) -> Exit | None:
        """How it ended; None as long as it is not known to have."""
        return self._exit

    async def wait(self) -> Exit:
        """Wait for the end. A checkpoint; cancelling leaves the sandbox running."""
        await self._ended.wait()
        assert self._exit is not None
        return self._exit

    async def copy_log(self, log: SandboxLog) -> None:
        """Copy what it says until it has ended and all of it is there."""
        await self._copy.run(log)

    def show_log(self) -> None:
        """Have what it said so far copied soon."""
        self._copy.hurry()

    def measure(self) -> Resources:
        """See `Measured`."""
        return of_container(self.id)

    async def pause(self) -> None:
        """Freeze every process in it. Raises `SandboxError`."""
        await self._switch(self._api.pause, State.PAUSED)

    async def resume(self) -> None:
        """Let them go on. Does nothing to one that runs. Raises `SandboxError`."""
        if self.paused is False:
            await trio.lowlevel.checkpoint()
        else:
            await self._switch(self._api.unpause, State.RUNNING)

    async def stop(self, grace: float) -> Exit:
        """SIGTERM, *grace* seconds, SIGKILL, the end. Cancelled, it kills at once and waits shortly for the end."""
        try:
            with trio.move_on_after(grace):
                await self._ask()
                return await self._see_end()
        finally:
            if self._exit is None:
                with trio.move_on_after(BURY_SECONDS, shield=True):
                    await self.kill()
        if self._exit is None:
            raise SandboxError(engine=ENGINE, why=f"container {self.id[:12]} does not die, or nobody can say so")
        return self._exit

    async def kill(self) -> None:
        """SIGKILL, until it has ended. Whoever calls this bounds it."""
        waiting = Waiting()
        while self._exit is None:
            try:
                await self._api.signal(self.id, "SIGKILL")
                with trio.move_on_after(LOOK_SECONDS):
                    await self._ended.wait()
            except RequestError as exc:
                log.warning("sandbox_not_killed", session=self.life.session, epoch=self.life.epoch, why=exc.why)
                await waiting.rest()
            await self._look_if_anybody_answers()

    async def remove(self) -> None:
        """Remove it, and see that it is gone. Raises `SandboxError`."""
        await remove_for_good(self._api, self.id)
        self.end(KILLED)
        self._gone(self)

    async def look(self, heard: int | None = None) -> None:
        """Find out whether it has ended; *heard* is the exit code that an event said.

        Raises:
          NoAnswerError: nobody can say.
        """
        async with self._looking:
            if self._exit is not None:
                return
            try:
                found = await self._api.inspect(self.id)
            except NotThereError:
                self.end(KILLED if heard is None else _exit_of(heard))
            except RequestError as exc:
                raise NoAnswerError(exc.why) from exc
            else:
                self.found(found)

    def found(self, inspected: Inspected) -> None:
        """The daemon said this of it."""
        self.paused = inspected.state is State.PAUSED
        if not inspected.state.lives and inspected.state is not State.CREATED:
            self.end(_exit_of(inspected.exit_code, out_of_memory=inspected.out_of_memory))

    def end(self, exit_: Exit) -> None:
        """It has ended. The first to know is right."""
        if self._exit is None:
            self._exit = exit_
            self._ended.set()
            self._copy.hurry()

    async def _ask(self) -> None:
        """SIGTERM, once it can be heard."""
        waiting = Waiting()
        while self._exit is None:
            try:
                if self.paused is not False:
                    await self._api.unpause(self.id)
                    self.paused = False
                await self._api.signal(self.id, "SIGTERM")
                return
            except RequestError:
                # It has ended, or is not paused, or the daemon is away: whichever it is, a look says.
                await waiting.rest()
                await self._look_if_anybody_answers()

    async def _see_end(self) -> Exit:
        """Wait for the end, and do not rely on events."""
        while self._exit is None:
            with trio.move_on_after(LOOK_SECONDS):
                await self._ended.wait()
            await self._look_if_anybody_answers()
        return self._exit

    async def _look_if_anybody_answers(self) -> None:
        try:
            await self.look()
        except NoAnswerError as exc:
            log.warning("sandbox_not_seen", session=self.life.session, epoch=self.life.epoch, why=exc.why)

    async def _switch(self, request: Callable[[ContainerId], Awaitable[None]], wanted: State) -> None:
        """Pause or unpause. Where that fails, or the answer is lost, what it is now decides."""
        waiting = Waiting()
        with trio.move_on_after(SWITCH_SECONDS):
            while True:
                self.paused = None
                refused = False
                try:
                    await request(self.id)
                    self.paused = wanted is State.PAUSED
                    return
                except RequestError as exc:
                    waiting.why, refused = exc.why, not isinstance(exc, NoAnswerError)
                await waiting.answered(self.look)
                if self._exit is not None:
                    raise SandboxError(engine=ENGINE, why="the container has ended")
                if self.paused is (wanted is State.PAUSED):
                    return
                if refused:
                    break
                await waiting.rest()
        raise SandboxError(engine=ENGINE, why=f"the container does not become {wanted.value}: {waiting.why}")


async def remove_for_good(api: ContainerApi, container: ContainerId) -> None:
    """Remove a container, and see that it is gone. Raises `SandboxError`."""
    waiting = Waiting()
    with trio.move_on_after(REMOVE_SECONDS):
        while True:
            await waiting.rest()
            try:
                await api.remove(container)
            except NotThereError:
                return
            except RequestError as exc:
                waiting.why = exc.why
            try:
                await api.inspect(container)
            except NotThereError:
                return
            except RequestError as exc:
                waiting.why = exc.why
    raise SandboxError(engine=ENGINE, why=f"container {container[:12]} does not go: {waiting.why or 'no answer'}")


def _exit_of(code: int, *, out_of_memory: bool = False) -> Exit:
    """A program that was ended by a signal leaves 128 and its number, through process 1 as well."""
    signal = code - SIGNAL_BASE
    return Exit(code=-signal if 0 < signal <= MOST_SIGNAL else code, out_of_memory=out_of_memory)
