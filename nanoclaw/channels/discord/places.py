"""What is known of the channels and threads of a bot's servers, and how far each was read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from attrs import define, field

from nanoclaw.channels.discord.codec import Me, Place, place_of
from nanoclaw.channels.discord.objects import THREADS, Channel, Guild

MOST_READ = 500
"""Channels of which it is remembered how far they were read; those without news for the longest time go."""


@define(eq=False)
class Places:
    """All of them, as the gateway tells."""

    me: Me | None = None
    _channels: dict[str, Channel] = field(factory=dict[str, Channel])
    _roles: dict[str, frozenset[str]] = field(factory=dict[str, frozenset[str]])

    def know(self, channels: Iterable[Channel]) -> None:
        """These are there."""
        for channel in channels:
            self._channels[channel.id] = channel

    def forget(self, channel: str) -> None:
        """That is not."""
        self._channels.pop(channel, None)

    def know_guild(self, guild: Guild) -> None:
        """A server, with its channels and the roles that are ours."""
        self.know((*guild.channels, *guild.threads))
        if self.me is not None:
            mine = self.me.id
            ours = (role.id for role in guild.roles if role.tags is not None and role.tags.bot_id == mine)
            self._roles[guild.id] = frozenset(ours)
            self.me = Me(id=mine, roles=frozenset().union(*self._roles.values()))

    def get(self, channel: str) -> Channel | None:
        """What is known of a channel."""
        return self._channels.get(channel)

    def is_thread(self, channel: str) -> bool:
        """Is it known to be a thread?"""
        known = self._channels.get(channel)
        return known is not None and known.type in THREADS

    def place(self, channel: str, guild: str | None) -> Place:
        """Where something in that channel stands."""
        known = self._channels.get(channel)
        parent = None if known is None or known.parent_id is None else self._channels.get(known.parent_id)
        return place_of(channel, guild, known, parent)


@define(eq=False)
class Reading:
    """How far each channel was read: what came after that and was not told is fetched, after a gap."""

    _last: dict[str, str] = field(factory=dict[str, str])
    changed: bool = field(default=False, init=False)

    @classmethod
    def of(cls, kept: str | None) -> Reading:
        """As it was kept; what makes no sense is forgotten."""
        try:
            found = json.loads(kept or "{}")
        except ValueError:
            found = {}
        pairs = found.items() if isinstance(found, Mapping) else ()
        return cls({channel: last for channel, last in pairs if isinstance(last, str) and last.isdecimal()})

    def kept(self) -> str:
        """To be kept."""
        self.changed = False
        return json.dumps(self._last)

    def saw(self, channel: str, message: str) -> None:
        """All up to that message is safe."""
        if not message.isdecimal() or int(message) <= int(self._last.get(channel, "0")):
            return
        self._last.pop(channel, None)
        self._last[channel] = message
        if len(self._last) > MOST_READ:
            del self._last[next(iter(self._last))]
        self.changed = True

    def forget(self, channel: str) -> None:
        """It is not there any more."""
        self.changed = self._last.pop(channel, None) is not None or self.changed

    def last(self, channel: str) -> str | None:
        """The last message that was read in a channel."""
        return self._last.get(channel)

    @property
    def channels(self) -> tuple[str, ...]:
        """Those of which something was read."""
        return tuple(self._last)
