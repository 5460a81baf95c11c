"""What is known of the channels and threads of a bot's servers."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import define, field

from nanoclaw.channels.discord.codec import Me, Place, place_of
from nanoclaw.channels.discord.objects import THREADS, Channel, Guild


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
