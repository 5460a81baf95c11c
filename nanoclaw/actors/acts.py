"""What the command line may have the running host do besides the verbs of its table: each is recorded in the audit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from attrs import frozen


@frozen
class Act:
    """Changes something, and is no single transaction: recorded as begun before, and as done or not after."""

    run: Callable[[Mapping[str, object]], Awaitable[object]]
    on: tuple[str, ...]
    """The arguments that say what it is about."""
    digested: tuple[str, ...] = ()
    """Those that count besides. What is in neither, such as a secret, is not even in the digest."""

    def __call__(self, asked: Mapping[str, object]) -> Awaitable[object]:
        """Do it. See `run`."""
        return self.run(asked)

    def subject(self, asked: Mapping[str, object]) -> str:
        """What it is about, in a few words."""
        return " ".join(str(asked[name]) for name in self.on if asked.get(name))

    def payload(self, asked: Mapping[str, object]) -> dict[str, object]:
        """Everything that it was given, secrets aside."""
        return {name: asked.get(name) for name in (*self.on, *self.digested)}
