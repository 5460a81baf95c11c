"""What a provider may know of the agent's tools: their names, what they take, and how one is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import trio
from attrs import frozen


@frozen(kw_only=True)
class Tool:
    """A tool as a model is told of it."""

    name: str
    description: str
    parameters: Mapping[str, object]
    """JSON schema of an object that has no other properties than it names."""


@frozen
class Answer:
    """What a call came to, in words for the model. *failed*: it was not done; *text* says what to do instead."""

    text: str
    failed: bool = False


class Toolbox(Protocol):
    """The tools of one agent."""

    @property
    def tools(self) -> Sequence[Tool]:
        """All there are, in the order in which they are told."""
        ...

    async def call(self, name: str, arguments: Mapping[str, object]) -> Answer:
        """Do what the tool called *name* does. A name or arguments that make no sense are answered, not raised.

        Calls may overlap. What a call says is on the disk when it returns.

        Raises:
          SqliteError: what was to be said cannot be written.

        Cancellation: nothing is half said. A question that was waiting for its answer stays open.
        """
        ...


@frozen
class NoTools:
    """A toolbox with nothing in it, for an agent that can only speak."""

    tools: Sequence[Tool] = ()

    async def call(self, name: str, arguments: Mapping[str, object]) -> Answer:
        """There is none of that name, whatever it is."""
        await trio.lowlevel.checkpoint()
        return Answer(f"There is no tool {name!r}, nor any other.", failed=True)
