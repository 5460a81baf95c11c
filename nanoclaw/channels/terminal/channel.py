"""The terminal as a channel: chats come and go on a unix socket; what is said while none is open waits."""

from __future__ import annotations

import contextlib
import getpass
from collections.abc import Callable
from pathlib import Path

import trio
from attrs import define, evolve, field

from nanoclaw.channels.base import Draft, NotHeard, Outgoing, Receive
from nanoclaw.channels.terminal.frames import (
    Declined,
    FileEnd,
    FilePart,
    FileStart,
    FrameError,
    Kept,
    Over,
    Say,
    Seen,
    Show,
    ShownFile,
    Trouble,
    Welcome,
    read_client,
    write_host,
)
from nanoclaw.channels.terminal.upload import Upload
from nanoclaw.core.delivery import InDoubt
from nanoclaw.core.speech import Ability, ShowCard, ShowEdit, ShowQuestion, ShowReaction
from nanoclaw.errors import DeliveryError, NobodyThereError, StoreError
from nanoclaw.kit.lines import BadFrameError, LineStream
from nanoclaw.kit.mailbox import Mailbox
from nanoclaw.kit.sockets import listen
from nanoclaw.kit.spool import Spool
from nanoclaw.model.files import NewAttachment
from nanoclaw.model.ids import ChannelName, QuestionId, UserId
from nanoclaw.model.messages import Choice, InboundEvent

CHANNEL = ChannelName("terminal")
CONVERSATION = "local"
SENDER = UserId(f"{CHANNEL}:operator")
"""Whoever may open the socket is the operator: it is theirs alone (mode 0600)."""
SEEN_SECONDS = 5.0
"""How long an open chat has to say that it has shown a message."""
ABILITIES = frozenset({Ability.EDIT, Ability.REACTION, Ability.CARD, Ability.QUESTION, Ability.SPEAKER})
SLOWEST_COPY = 10 << 20
"""Bytes of files a second: a chat that has to save some has so much longer."""


def operator_name() -> str:
    """What the person at the terminal is called: their login name, or a stand-in where the system knows none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "operator"


@define(eq=False)
class TerminalChannel:
    """Chats on this machine. All of them show the same conversation."""

    _socket: Path
    _welcome: Welcome
    _person: str
    """The operator's name, for agents to call them by."""
    _spool: Spool
    """Where the files go that are sent here."""
    name: ChannelName = field(default=CHANNEL, init=False)
    threaded: bool = field(default=False, init=False)
    # A chat drops a second copy as long as it is open; a new one cannot know.
    keyed: bool = field(default=False, init=False)
    in_doubt: InDoubt = field(default=InDoubt.SEND_AGAIN, init=False)
    abilities: frozenset[Ability] = field(default=ABILITIES, init=False)
    _open: dict[LineStream, None] = field(factory=dict[LineStream, None], init=False)
    _seen: dict[str, trio.Event] = field(factory=dict[str, trio.Event], init=False)
    _over: Mailbox[str] = field(factory=Mailbox[str], init=False)
    """What is over, and no chat has been told so."""

    async def run(
        self,
        receive: Receive,
        *,
        ready: Callable[[], None],
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Serve chats until cancelled."""
        listener = listen(self._socket)
        try:
            async with trio.open_nursery() as nursery:
                task_status.started()

                async def serve(stream: trio.SocketStream) -> None:
                    await self._serve(LineStream(stream), receive, ready)

                nursery.start_soon(self._tell_what_is_over)
                await trio.serve_listeners(serve, [listener], handler_nursery=nursery)
        finally:
            self._socket.unlink(missing_ok=True)

    async def deliver(self, message: Outgoing) -> str:
        """Show *message* in every open chat; done when the first says that a person can see it. Its id is its key."""
        if message.to.platform_id != CONVERSATION:
            raise DeliveryError(channel=self.name, why="there is no such conversation", retryable=False)
        chats = list(self._open)
        if not chats:
            raise NobodyThereError(channel=self.name)
        seen = self._seen[message.key] = trio.Event()
        frame = _frame(message)
        patience = SEEN_SECONDS + sum(file.size for file in message.files) / SLOWEST_COPY
        try:
            with trio.fail_after(patience):
                for chat in chats:
                    with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                        await chat.send(write_host(frame))
                await seen.wait()
        except trio.TooSlowError:
            # A chat that was closed in between took it along; the next one shall show it.
            raise NobodyThereError(channel=self.name) from None
        finally:
            del self._seen[message.key]
        return message.key

    def over(self, message: str) -> None:
        """See `HearsEnds`."""
        if self._open:
            self._over.post(message)

    async def open_direct_messages(self, user: UserId) -> str | None:
        """The one conversation that there is, with the operator."""
        await trio.lowlevel.checkpoint()
        return CONVERSATION if user == SENDER else None

    async def show_draft(self, _: Draft) -> None:
        """A terminal shows what is whole."""
        await trio.lowlevel.checkpoint()

    async def _tell_what_is_over(self) -> None:
        while True:
            message = await self._over.read()
            for chat in list(self._open):
                # One that does not listen learns nothing more.
                with trio.move_on_after(SEEN_SECONDS):
                    with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                        await chat.send(write_host(Over(id=message)))

    async def _serve(self, lines: LineStream, receive: Receive, ready: Callable[[], None]) -> None:
        """One chat, from its welcome to its end. A chat's trouble is its own."""
        try:
            await lines.send(write_host(self._welcome))
            self._open[lines] = None
            ready()
            await self._listen(lines, receive)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # it went away in mid-sentence, as chats do
        finally:
            self._open.pop(lines, None)
            with trio.move_on_after(0, shield=True):
                await lines.aclose()

    async def _listen(self, lines: LineStream, receive: Receive) -> None:
        upload = Upload(self._spool)
        try:
            await self._hear(lines, receive, upload)
        finally:
            await upload.discard()

    async def _hear(self, lines: LineStream, receive: Receive, upload: Upload) -> None:
        while True:
            try:
                frame = await lines.receive()
                if frame is None:
                    return
                said = read_client(frame)
            except (FrameError, BadFrameError) as exc:
                await lines.send(write_host(Trouble(why=str(exc))))
                if isinstance(exc, BadFrameError) and not exc.usable:
                    return
                continue
            match said:
                case Seen(key=key):
                    waiting = self._seen.get(key)
                    if waiting is not None:
                        waiting.set()
                case FileStart() | FilePart() | FileEnd():
                    await upload.hear(said)
                case Say():
                    files = upload.take(said.files)
                    await upload.discard()
                    if isinstance(files, str):
                        await lines.send(write_host(Declined(id=said.id, why=files)))
                    else:
                        await self._say(lines, said, files, receive)

    async def _say(self, lines: LineStream, said: Say, files: tuple[NewAttachment, ...], receive: Receive) -> None:
        event = InboundEvent(
            channel=self.name,
            platform_message_id=said.id,
            platform_id=CONVERSATION,
            mention=True,
            is_group=False,
            sender_id=SENDER,
            sender=self._person,
            text=said.text,
            attachments=files,
            choice=None
            if said.question is None
            else Choice(question=QuestionId(said.question), said=said.text, typed=True),
        )
        try:
            receipt = await receive(event)
        except StoreError as exc:
            await lines.send(write_host(Declined(id=said.id, why=str(exc))))
            return
        if isinstance(receipt, NotHeard):
            await lines.send(write_host(Declined(id=said.id, why=receipt.detail)))
        else:
            await lines.send(write_host(Kept(id=said.id, answers_for=receipt.answers_for)))


def _frame(message: Outgoing) -> Show:
    plain = Show(
        key=message.key,
        text=message.text,
        speaker=message.speaker,
        answers=message.answers,
        more=message.more,
        files=tuple(ShownFile(name=file.name, size=file.size, path=str(file.path)) for file in message.files),
    )
    match message.native:
        case None:
            return plain
        case ShowEdit(platform_message_id=changed):
            return evolve(plain, edits=changed)
        case ShowReaction() as reaction:
            return evolve(plain, text=reaction.emoji, reacts_to=reaction.platform_message_id, quoted=reaction.quoted)
        case ShowCard(title=title, description=description):
            return evolve(plain, text=description, title=title)
        case ShowQuestion() as asked:
            labels = tuple(option.label for option in asked.options)
            return evolve(plain, text=asked.text, title=asked.title, question=asked.question, options=labels)
