"""A channel whose platform does what a script says, in order; then it takes everything."""

from __future__ import annotations

from collections.abc import Callable

import trio
from attrs import define, field

from nanoclaw.channels.base import Draft, Outgoing, Receive
from nanoclaw.core.delivery import InDoubt
from nanoclaw.core.speech import Ability, Native
from nanoclaw.model.ids import ChannelName


@define(eq=False)
class ScriptedChannel:
    """Implements `Channel`; *script* holds what the next deliveries raise, None for a success."""

    name: ChannelName
    keyed: bool = False
    in_doubt: InDoubt = InDoubt.SEND_AGAIN
    threaded: bool = field(default=False, init=False)
    abilities: frozenset[Ability] = field(default=frozenset(), init=False)
    script: list[Exception | None] = field(factory=list[Exception | None])
    seconds: float = 0.0
    """How long each delivery takes."""
    sent: list[tuple[float, str]] = field(factory=list[tuple[float, str]], init=False)
    """When, on Trio's clock, which text was accepted."""
    tried: list[tuple[float, str]] = field(factory=list[tuple[float, str]], init=False)
    keys: list[str] = field(factory=list[str], init=False)
    natives: list[Native | None] = field(factory=list[Native | None], init=False)
    """What was to be shown instead of the text of each that was accepted."""
    drafts: list[Draft] = field(factory=list[Draft], init=False)
    files: list[dict[str, bytes]] = field(factory=list[dict[str, bytes]], init=False)
    """What came with each delivery that was tried, by name."""

    async def run(
        self,
        receive: Receive,
        *,
        ready: Callable[[], None],
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Hear nothing."""
        task_status.started()
        await trio.sleep_forever()

    async def deliver(self, message: Outgoing) -> str | None:
        """Do what the script says next."""
        self.tried.append((trio.current_time(), message.text))
        self.files.append({file.name: file.path.read_bytes() for file in message.files})
        await trio.sleep(self.seconds)
        trouble = self.script.pop(0) if self.script else None
        if trouble is not None:
            raise trouble
        self.sent.append((trio.current_time(), message.text))
        self.keys.append(message.key)
        self.natives.append(message.native)
        return f"platform-{len(self.sent)}"

    async def show_draft(self, draft: Draft) -> None:
        """Take it, slowly; a script's trouble is for messages."""
        await trio.sleep(self.seconds)
        self.drafts.append(draft)
