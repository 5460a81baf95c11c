"""A host that dies at one of its await points: from then on nothing that it does has an effect. Costs no process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import trio
from attrs import define, field

from nanoclaw.store.db import Store


class KilledError(BaseException):
    """The host is no more. No host code may stop it."""


@define(eq=False)
class Death(trio.abc.Instrument):
    """Comes before task step number *at*; 0 is never. Tasks still unwind, but whatever they try comes to nothing."""

    at: int
    steps: int = field(default=0, init=False)
    dead: bool = field(default=False, init=False)
    scope: trio.CancelScope = field(factory=trio.CancelScope, init=False)

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        """Count a step; die on the one that was asked for."""
        self.steps += 1
        if self.steps == self.at:
            self.dead = True
            self.scope.cancel()

    def alive(self) -> None:
        """Whatever would outlive the host passes here. Raises `KilledError`."""
        if self.dead:
            raise KilledError


@define(eq=False)
class MortalStore:
    """A store of one life: a transaction happens whole before its death, or not at all."""

    _store: Store
    _death: Death

    async def transact(self, query: Callable[..., Any], *arguments: Any, **words: Any) -> Any:
        """As the store's."""

        def living(conn: Any, *these: Any, **those: Any) -> Any:
            self._death.alive()
            return query(conn, *these, **those)

        return await self._store.transact(living, *arguments, **words)

    async def read(self, query: Callable[..., Any], *arguments: Any, **words: Any) -> Any:
        """As the store's."""
        self._death.alive()
        return await self._store.read(query, *arguments, **words)


class Scene(Protocol):
    """What a host is to live through, and what of it outlives a host."""

    async def live(self, death: Death) -> None:
        """One life, from wherever the last one has ended; what would outlive it passes by *death*."""
        ...


SceneT = TypeVar("SceneT", bound=Scene)


async def die_everywhere(make: Callable[[], SceneT], look: Callable[[SceneT], object]) -> int:
    """Have a host die at each of its await points: of each scene that *make* makes one life dies and the next is whole.

    Args:
      make: Makes a scene, the same each time.
      look: Looks at what two lives have left, and closes it.

    Returns:
      At how many points it died.
    """
    step = 0
    while True:
        step += 1
        scene = make()
        died = await _live(scene, step)
        assert not await _live(scene, 0)
        look(scene)
        if not died:
            return step - 1


async def _live(scene: Scene, at: int) -> bool:
    """One life, which dies at step *at*; says whether it did."""
    death = Death(at)
    trio.lowlevel.add_instrument(death)
    try:
        with death.scope:
            await scene.live(death)
    except* KilledError:
        pass
    finally:
        trio.lowlevel.remove_instrument(death)
    return death.dead
