"""One life of a simulated host: the moment of its death, and that nothing it does comes after."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import trio
from attrs import define, field


class HostDiedError(BaseException):
    """Raised by every way out of a host that is dead. No host code may stop it."""


@define(eq=False)
class Mortal:
    """A host's life, as its ports know it: each of them passes through here before and after it does something.

    A killed process does nothing more, not even tidy up. In here the tasks of a dead host still unwind, but whatever
    they try to do to the world outside their memory fails.
    """

    scope: trio.CancelScope = field(factory=trio.CancelScope)
    dead: bool = field(default=False, init=False)
    steps_left: int | None = field(default=None, init=False)
    """Passages until it is killed; None: it is not to be."""
    _waits: dict[trio.CancelScope, None] = field(factory=dict[trio.CancelScope, None], init=False)

    def kill(self) -> None:
        """End it here and now."""
        self.dead = True
        self.steps_left = None
        self.scope.cancel()
        for wait in self._waits:
            wait.cancel()

    def step(self) -> None:
        """Pass by, alive. Raises `HostDiedError`."""
        if self.steps_left is not None:
            self.steps_left -= 1
            if self.steps_left <= 0:
                self.kill()
        if self.dead:
            raise HostDiedError

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Wait in the block for something of the world; a host that dies meanwhile does not wait any longer."""
        self.step()
        with trio.CancelScope() as wait:
            self._waits[wait] = None
            try:
                yield
            finally:
                del self._waits[wait]
        self.step()
