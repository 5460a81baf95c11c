"""What a channel is: a loop that hears a platform, and a way to say something on it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Protocol, TypeAlias, runtime_checkable

import trio
from attrs import frozen

from nanoclaw.core.delivery import InDoubt
from nanoclaw.core.parts import Limits
from nanoclaw.core.speech import Ability, Native
from nanoclaw.model.ids import ChannelName, UserId
from nanoclaw.model.messages import Address, Told


@frozen
class Stored:
    """The event is safe: whatever happens now, it will be worked on."""

    subscribe: bool = False
    """Does an agent want to hear everything of its thread from now on, mention or not? A channel that has to join a
    thread to hear it joins it then, and no other."""
    answers_for: str | None = None
    """It was the answer to a question: the platform's id of the message that made the agent ask."""


@frozen
class NotHeard:
    """The event is recorded, and nobody hears it."""

    reason: str
    detail: str


Receipt: TypeAlias = Stored | NotHeard


class Receive(Protocol):
    """Takes what a platform told; returns after its commit. Only then may the platform be told that we have it."""

    async def __call__(self, told: Told) -> Receipt: ...


@frozen(kw_only=True)
class OutgoingFile:
    """A file that goes with a message."""

    name: str
    """Safe as the name of a file, and no other of the message has it."""
    size: int
    path: Path
    """The host's copy, to be read and nothing else. It goes when the message is decided."""


@frozen(kw_only=True)
class Outgoing:
    """A message for a platform."""

    key: str
    """The same for every attempt: an idempotency key where the platform takes one. The id of the ledger's row, with `/`
    and the part's number behind it where there are several."""
    to: Address
    text: str
    """May be empty where there are files. Where there is something native, the same in plain words."""
    native: Native | None = None
    """What is to be shown instead of the text; only what the channel says that it can."""
    files: tuple[OutgoingFile, ...] = ()
    answers: str | None
    """The platform's id of the message that this one answers."""
    speaker: str | None
    """The agent's name; None: the host itself says it. Then it is to be shown sign for sign: it quotes strangers, and
    people decide by it."""
    more: bool
    """Is another answer to the same message about to follow, as far as can be told? A question is the last until it is
    answered."""
    part: int = 0
    """Which part of its message this is: only the first has something native or answers something."""
    parts: int = 1
    """How many there are; more than one only on a channel that has limits."""
    again: bool = False
    """May an earlier attempt with this key have arrived? A channel that reads back looks first, and returns the id of
    what it finds."""


@frozen(kw_only=True)
class Draft:
    """A reply that is being written. The message that it becomes is delivered like any other."""

    reply: str
    """The same for every draft of one reply; a name that a runner made up."""
    to: Address
    text: str
    """As much of it as there is, cut to what customs lets through."""
    tool: str | None
    """What the agent does meanwhile."""
    speaker: str
    """The agent's name: what others write at the same place are other replies."""


class Channel(Protocol):
    """One configured channel."""

    @property
    def name(self) -> ChannelName: ...

    @property
    def threaded(self) -> bool:
        """Do its conversations have threads? If not, the threads of its events are ignored."""
        ...

    @property
    def keyed(self) -> bool:
        """Does the platform drop a second message with the same key, or can the channel look whether it is there?"""
        ...

    @property
    def in_doubt(self) -> InDoubt:
        """What to do, without keys, about a message that may have arrived."""
        ...

    @property
    def abilities(self) -> Collection[Ability]:
        """What it can show besides text and files. It gets the words for whatever it cannot."""
        ...

    async def run(self, receive: Receive, *, ready: Callable[[], None], task_status: trio.TaskStatus[None]) -> None:
        """Feed the platform's events to *receive* until cancelled.

        Waits out what passes (time-outs, rate limits); lets everything else out, for the supervisor to restart it.

        Args:
          receive: Returns once an event is stored.
          ready: To be called when messages that found nobody there may be tried again.
          task_status: To be told when events are heard.
        """
        ...

    async def deliver(self, message: Outgoing) -> str | None:
        """Put *message* on the platform; returns the platform's id of it, where there is one.

        Raises:
          DeliveryError: it was not sent, or nobody can tell.
          NobodyThereError: there is nobody to send it to just now.

        Cancellation: leaves in doubt whether it was sent.
        """
        ...

    async def show_draft(self, draft: Draft) -> None:
        """Show how far a reply is, if that is among its abilities. Nobody minds if it does not.

        Raises:
          DeliveryError: it could not be shown; the next one will be tried all the same.
        """
        ...


@runtime_checkable
class HasLimits(Protocol):
    """A channel that can show only so much in one message: what is longer is given to it in parts that fit."""

    @property
    def limits(self) -> Limits:
        """What one message may hold."""
        ...

    def measure(self, text: str) -> int:
        """How long *text* is once it is rendered, in the unit of the limits. Pure."""
        ...


@runtime_checkable
class KeepsFiles(Protocol):
    """A channel whose platform is this host: the files of what was delivered are still fetched from the spool."""

    @property
    def keeps_files(self) -> bool:
        """Are the host's copies to stay after a delivery? The sweep of the spool takes the oldest."""
        ...


@runtime_checkable
class ShowsTyping(Protocol):
    """A channel that can show that somebody is writing."""

    async def show_typing(self, to: Address) -> None:
        """Show it once; the host says it again every few seconds while a turn runs.

        Raises:
          DeliveryError: it could not be shown, which nobody minds.
        """
        ...


@frozen
class Health:
    """How well a channel hears its platform."""

    heard: float | None
    """Trio's time of the last verified event or successful probe; None: never in this life."""
    why: str = ""
    """What is wrong just now; empty: nothing is known to be."""


@runtime_checkable
class TellsHealth(Protocol):
    """A channel that knows when it last heard its platform."""

    def health(self) -> Health:
        """How it is. Never blocks."""
        ...


class Marks(Protocol):
    """What a channel has to remember between lives: how far it has read, whom it knows. Durable, and its own alone."""

    async def get(self, name: str) -> str | None:
        """The value of that name; None: there is none.

        Raises:
          StoreError: it cannot be read.
        """
        ...

    async def put(self, name: str, value: str) -> None:
        """Keep *value* under *name* instead of what was there; when this returns, it survives power loss.

        Raises:
          StoreError: it is not kept.

        Cancellation: leaves open whether it was kept.
        """
        ...


@runtime_checkable
class HearsEnds(Protocol):
    """A channel whose people wait for all that there is to a message, and no longer."""

    @property
    def name(self) -> ChannelName: ...

    def over(self, message: str) -> None:
        """All answers to the platform's message of that id have been delivered, and no agent is at it. Never blocks.

        Nobody minds if it is never told, as after the death of a host.
        """
        ...


@runtime_checkable
class OpensDirectMessages(Protocol):
    """A channel that can find out where to write to somebody who has not written first."""

    @property
    def name(self) -> ChannelName: ...

    async def open_direct_messages(self, user: UserId) -> str | None:
        """The platform's id of the conversation with *user*, one of the channel's own; None: there can be none.

        Nobody else may be in it: what a person decides there is shown to them alone.

        Raises:
          DeliveryError: it could not be found out.
        """
        ...
