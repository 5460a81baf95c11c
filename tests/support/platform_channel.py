"""The channel that speaks to `FakePlatform`: long polling in, keyed posts out."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import trio
from attrs import define, evolve, field

from nanoclaw.channels.base import Draft, Outgoing, OutgoingFile, Receive, Stored
from nanoclaw.core.delivery import InDoubt
from nanoclaw.core.speech import Ability
from nanoclaw.errors import DeliveryError
from nanoclaw.kit.lines import LineStream
from nanoclaw.kit.spool import Spool
from nanoclaw.model.files import NewAttachment
from nanoclaw.model.ids import ChannelName, UserId
from nanoclaw.model.messages import InboundEvent, Revision, RevisionKind

CHANNEL = ChannelName("fake")
CONVERSATION = "room"
ADA = UserId(f"{CHANNEL}:ada")
"""Whoever speaks, if the event does not say who."""


@define(eq=False)
class PlatformChannel:
    """One account on one fake platform; events name their room, or mean the one that is always there."""

    port: int
    on_event: Callable[[], None] = lambda: None
    """Told when an event has come off the wire, before anything is done about it."""
    keyed: bool = True
    in_doubt: InDoubt = InDoubt.SEND_AGAIN
    threaded: bool = False
    abilities: frozenset[Ability] = frozenset()
    spool: Spool | None = None
    """Where the files of events go; without one, events have none."""
    name: ChannelName = field(default=CHANNEL, init=False)
    subscribed: list[str] = field(factory=list[str], init=False)
    """Threads of which it was asked to bring everything."""

    async def run(
        self,
        receive: Receive,
        *,
        ready: Callable[[], None],
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Hear events; one is acknowledged by asking for the next, after it was stored."""
        lines = await self._connect()
        try:
            task_status.started()
            ready()
            await self._hear(lines, receive)
        finally:
            with trio.move_on_after(0, shield=True):
                await lines.aclose()

    async def _hear(self, lines: LineStream, receive: Receive) -> None:
        after = 0
        while True:
            event = await self._ask(lines, {"op": "events", "after": after})
            self.on_event()
            receipt = await receive(await self._with_files(self._read(event), event.get("files", ())))
            if receipt == Stored(subscribe=True):
                self.subscribed.append(event["thread"])
            after = event["number"]

    def _read(self, event: Mapping[str, Any]) -> InboundEvent | Revision:
        """Pure: what the platform's words mean."""
        sender = event.get("sender", "Ada")
        sender_id = UserId(f"{self.name}:{sender.lower()}")
        if "revises" in event:
            return Revision(
                channel=self.name,
                platform_message_id=event["revises"],
                revision=event["id"],
                kind=RevisionKind.EDIT if "text" in event else RevisionKind.DELETION,
                sender_id=sender_id,
                sender=sender,
                text=event.get("text", ""),
            )
        return InboundEvent(
            channel=self.name,
            platform_message_id=event["id"],
            platform_id=event.get("room", CONVERSATION),
            thread_id=event.get("thread"),
            starts_thread=event.get("starts_thread", False),
            mention=event.get("mention", True),
            is_group=event.get("is_group", False),
            sender_id=sender_id,
            sender=sender,
            text=event["text"],
        )

    async def _with_files(
        self, told: InboundEvent | Revision, files: Sequence[Mapping[str, str]]
    ) -> InboundEvent | Revision:
        """Fetch the *files* of an event into the spool."""
        if not files or isinstance(told, Revision):
            return told
        assert self.spool is not None
        came = []
        for file in files:
            writing = await trio.to_thread.run_sync(self.spool.begin)
            await trio.to_thread.run_sync(writing.write, base64.b64decode(file["data"]))
            came.append(NewAttachment(name=file["name"], file=await trio.to_thread.run_sync(writing.finish)))
        return evolve(told, attachments=tuple(came))

    async def deliver(self, message: Outgoing) -> str | None:
        """Post a message under its key."""
        try:
            lines = await self._connect()
            try:
                request = {
                    "op": "post",
                    "key": message.key,
                    "text": message.text,
                    "answers": message.answers,
                    "room": message.to.platform_id,
                    "thread": message.to.thread_id,
                    "files": [[file.name, await trio.to_thread.run_sync(_digest, file)] for file in message.files],
                }
                return str((await self._ask(lines, request))["id"])
            finally:
                with trio.move_on_after(0, shield=True):
                    await lines.aclose()
        except (OSError, trio.BrokenResourceError) as exc:
            raise DeliveryError(channel=self.name, why=repr(exc), retryable=True, reached=True) from exc

    async def show_draft(self, _: Draft) -> None:
        """It shows none."""
        await trio.lowlevel.checkpoint()

    async def _connect(self) -> LineStream:
        return LineStream(await trio.open_tcp_stream("127.0.0.1", self.port))

    async def _ask(self, lines: LineStream, request: Mapping[str, object]) -> dict[str, Any]:
        await lines.send(request)
        answer = await lines.receive()
        if answer is None:
            raise trio.BrokenResourceError("the platform hung up")
        return answer


def _digest(file: OutgoingFile) -> str:
    return hashlib.sha256(file.path.read_bytes()).hexdigest()
