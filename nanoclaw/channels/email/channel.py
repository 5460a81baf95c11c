"""A mailbox as a channel. What it hears is in `hearing.py`; here is what it says.

Each message is one mail, with an id made of its key. A copy of what a server took goes into the folder for sent mail:
where an attempt is in doubt, that is looked at first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from math import inf

import structlog
import trio
from attrs import define, field

from nanoclaw.channels.base import Draft, Health, Outgoing, OutgoingFile, Receive
from nanoclaw.channels.dialects import plain as plain_text
from nanoclaw.channels.email.codec import Account, address_in, may_be_named, message_id_in
from nanoclaw.channels.email.composing import Enclosed, Letter, compose, message_id, subject_of
from nanoclaw.channels.email.hearing import Hearing
from nanoclaw.channels.email.imap import open_mailbox
from nanoclaw.channels.email.settings import Settings
from nanoclaw.channels.email.smtp import open_outbox
from nanoclaw.channels.email.topics import MARK as TOPICS
from nanoclaw.channels.email.topics import Topics
from nanoclaw.channels.reconnect import Connection
from nanoclaw.channels.registry import Means
from nanoclaw.channels.remembering import remember
from nanoclaw.core.delivery import InDoubt
from nanoclaw.core.parts import Limits, Unit
from nanoclaw.core.speech import Ability
from nanoclaw.errors import DeliveryError
from nanoclaw.model.ids import UNVERIFIED, ChannelName, UserId

log = structlog.get_logger()

MOST_TEXT = 100_000
MOST_FILE = 17 << 20
"""Bytes of the files of one mail: what providers take is 25 MiB, of which the encoding costs more than a quarter."""
RECORD_SECONDS = 5.0
"""Until it is on record that a mail was sent."""
COPY_SECONDS = 10.0
"""For the copy in the folder of sent mail, with the login."""


@define(eq=False)
class EmailChannel:
    """One mailbox."""

    _means: Means
    _settings: Settings
    threaded: bool = field(default=True, init=False)
    keyed: bool = field(default=False, init=False)
    in_doubt: InDoubt = field(default=InDoubt.SEND_AGAIN, init=False)
    abilities: frozenset[Ability] = field(default=frozenset({Ability.SPEAKER}), init=False)
    limits: Limits = field(
        default=Limits(text=MOST_TEXT, unit=Unit.CHARACTERS, files=1, file_bytes=MOST_FILE), init=False
    )
    _topics: Topics | None = field(default=None, init=False)
    _under_way: OrderedDict[str, float] = field(factory=OrderedDict[str, float], init=False)
    """When mails were sent, by their ids; in infinite time: they are being sent."""
    _reading: trio.Lock = field(factory=trio.Lock, init=False)
    _connection: Connection = field(init=False)

    @_connection.default
    def _make_connection(self) -> Connection:
        return Connection(self.name)

    @property
    def name(self) -> ChannelName:
        """The name that the house knows it by."""
        return self._means.name

    def measure(self, text: str) -> int:
        """Characters of *text* as people read it."""
        return max(len(plain_text.render(text)), len(text))

    def health(self) -> Health:
        """When the mailbox last answered, and what is wrong."""
        return self._connection.health()

    async def run(
        self,
        receive: Receive,
        *,
        ready: Callable[[], None],
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """See `Channel.run`."""
        me = Account(
            channel=self.name,
            addresses=self._settings.addresses,
            authserv=self._settings.authserv,
            senders=self._settings.senders,
        )

        async def live(heard: Callable[[], None]) -> None:
            async with open_mailbox(self.name, self._settings.imap, self._settings.login) as mailbox:
                known = await self._known()
                hearing = Hearing(
                    *(mailbox, me, self._means, receive, known, self._settings.every),
                    is_under_way=self._is_under_way,
                )
                await hearing.run(heard)

        await self._connection.stay(live, ready=ready, task_status=task_status)

    async def deliver(self, message: Outgoing) -> str | None:
        """See `Channel.deliver`. The id is the mail's message id, and whom it went to."""
        to = address_in(message.to.platform_id)
        if to is None:
            await trio.lowlevel.checkpoint()
            why = f"{message.to.platform_id!r} is no address that can be written to"
            raise DeliveryError(channel=self.name, why=why, retryable=False)
        own = self._id(message.key)
        shown = f"{own} {message.to.platform_id}"
        if message.again and await self._was_sent(own):
            return shown
        letter = await self._letter(message, own, to)
        raw = await trio.to_thread.run_sync(_composed, letter, message.files)
        remember(self._under_way, shown, inf)
        try:
            async with open_outbox(self.name, self._settings.smtp, self._settings.login) as outbox:
                await outbox.send(letter.sender, to, raw)
            await self._keep_copy(raw)
        finally:
            self._under_way[shown] = trio.current_time()
        return shown

    def _is_under_way(self, message_id: str, chat: str) -> bool:
        begun = self._under_way.get(f"{message_id} {chat}")
        return begun is not None and trio.current_time() < begun + RECORD_SECONDS

    async def _letter(self, message: Outgoing, own: str, to: str) -> Letter:
        """The mail, which is remembered before it is sent: whoever answers it goes on with its conversation."""
        chat, topics = message.to.platform_id, await self._known()
        before = [message.to.thread_id, None if message.answers is None else message_id_in(message.answers)]
        if message.part:
            before.append(self._id(f"{message.key.partition('/')[0]}/{message.part - 1}"))
        references = tuple(dict.fromkeys(one for one in before if one is not None and may_be_named(one)))
        first = topics.first(chat, references) or (references[0] if references else own)
        letter = Letter(
            id=own,
            sender=self._settings.addresses[0],
            to=to,
            speaker=message.speaker,
            subject=subject_of(topics.subject(chat, first), message.text),
            text=message.text,
            references=references,
            at=self._means.clock.now(),
        )
        topics.saw(chat, first, own, letter.subject)
        await self._means.marks.put(TOPICS, topics.kept())
        return letter

    async def _was_sent(self, message_id: str) -> bool:
        """Is it in the folder of what was sent? Raises `DeliveryError` if nobody can tell: the doubt remains."""
        try:
            async with open_mailbox(self.name, self._settings.imap, self._settings.login) as mailbox:
                folder = await mailbox.sent_folder()
                return folder is not None and await mailbox.holds(folder, message_id)
        except DeliveryError as exc:
            raise DeliveryError(channel=self.name, why=exc.why, retryable=True, reached=True) from exc

    async def _keep_copy(self, raw: bytes) -> None:
        """Put a copy into the folder of what was sent. The mail is sent, whatever becomes of that."""
        if not self._settings.copies:
            return
        # A host that ends just now would otherwise find no copy in its next life, and send the mail twice.
        with trio.move_on_after(COPY_SECONDS, shield=True) as scope:
            try:
                async with open_mailbox(self.name, self._settings.imap, self._settings.login) as mailbox:
                    if (folder := await mailbox.sent_folder()) is not None:
                        await mailbox.keep(folder, raw)
            except DeliveryError as exc:
                log.warning("email_copy_not_kept", channel=self.name, why=exc.why)
        if scope.cancelled_caught:
            log.warning("email_copy_not_kept", channel=self.name, why=f"not done within {COPY_SECONDS:g} s")

    async def show_draft(self, draft: Draft) -> None:
        """Show nothing: a mail is written once."""
        await trio.lowlevel.checkpoint()

    async def open_direct_messages(self, user: UserId) -> str | None:
        """The conversation with an address that is vouched for."""
        await trio.lowlevel.checkpoint()
        address = user.removeprefix(f"{self.name}:")
        return None if address.startswith(UNVERIFIED) else address_in(address)

    def _id(self, key: str) -> str:
        return message_id(self.name, key, self._settings.addresses[0])

    async def _known(self) -> Topics:
        async with self._reading:
            if self._topics is None:
                self._topics = Topics.of(await self._means.marks.get(TOPICS))
            return self._topics


def _composed(letter: Letter, files: tuple[OutgoingFile, ...]) -> bytes:
    return compose(letter, [Enclosed(name=one.name, data=one.path.read_bytes()) for one in files])
