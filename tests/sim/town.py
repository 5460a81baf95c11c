"""Who lives in the simulated world: rooms on three channels, agents that hear them, and tasks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from attrs import frozen

from nanoclaw.core.delivery import InDoubt
from nanoclaw.model.ids import ChannelName
from schema.sqlite import Connection
from tests.support.central import NOW, World


@frozen(kw_only=True)
class Place:
    """A room on a channel, and the agents that hear it."""

    channel: ChannelName
    room: str
    agents: tuple[str, ...]


@frozen(kw_only=True)
class Manners:
    """How a channel's platform is to be treated."""

    keyed: bool
    in_doubt: InDoubt


@frozen(kw_only=True)
class Town:
    """What is promised of each channel."""

    hearers: Mapping[ChannelName, int]
    """How many agents hear what is said in each of its rooms."""
    plain: frozenset[ChannelName]
    """Those where a message that may have arrived is sent again, and may be there twice."""
    careful: frozenset[ChannelName]
    """Those where such a message waits for a person."""


OPERATOR: Final = "operator"
KEYED, PLAIN, CAREFUL = ChannelName("keyed"), ChannelName("plain"), ChannelName("careful")
MANNERS: Final = {
    KEYED: Manners(keyed=True, in_doubt=InDoubt.SEND_AGAIN),
    PLAIN: Manners(keyed=False, in_doubt=InDoubt.SEND_AGAIN),
    CAREFUL: Manners(keyed=False, in_doubt=InDoubt.PARK),
}
PLACES: Final = (
    Place(channel=KEYED, room="hall", agents=("ann", "bob", "cid")),
    Place(channel=PLAIN, room="yard", agents=("bob",)),
    Place(channel=CAREFUL, room="shed", agents=("cid",)),
)
TOWN: Final = Town(
    hearers={place.channel: len(place.agents) for place in PLACES},
    plain=frozenset({PLAIN}),
    careful=frozenset({CAREFUL}),
)


def settle_in() -> Connection:
    """A new database with all of them in it."""
    world = World(now=NOW)
    made = {}
    for place in PLACES:
        chat = world.chat(place.room, channel=place.channel)
        for name in place.agents:
            if name not in made:
                made[name] = world.agent(name)
            world.session_of(world.wire(chat, made[name]))
    world.user(OPERATOR)
    return world.conn
