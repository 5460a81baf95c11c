"""A toolbox that notes what it is asked and answers what it is told to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import trio
from attrs import define, field

from runner.tools.base import Answer, Tool


@define(eq=False)
class RecordingTools:
    """Every tool there could be."""

    _answer: Callable[[str, Mapping[str, object]], Answer] = lambda name, _: Answer(f"{name}: done (id: 7).")
    tools: Sequence[Tool] = ()
    calls: list[tuple[str, dict[str, Any]]] = field(factory=list[tuple[str, dict[str, Any]]], init=False)

    async def call(self, name: str, arguments: Mapping[str, object]) -> Answer:
        """Note it, and answer."""
        await trio.lowlevel.checkpoint()
        self.calls.append((name, dict(arguments)))
        return self._answer(name, arguments)
