"""What an operator does to sessions of the simulated world: verbs of the command line, run as its server does."""

from __future__ import annotations

from typing import Final

import trio
from attrs import define, field

from nanoclaw.admin.performing import perform
from nanoclaw.admin.table import BY_NAME
from nanoclaw.admin.verb import Request
from nanoclaw.errors import UsageError
from nanoclaw.model.ids import UserId
from schema.sqlite import fetch, transaction
from tests.sim.history import Fault
from tests.sim.story import LENGTHS, PAUSES, Story
from tests.sim.town import OPERATOR, PLACES, Place
from tests.support.central import CHANNEL

REASON: Final = {"because": "it goes round in circles"}
ACTS: Final[dict[str, dict[str, str]]] = {
    "wake": {},
    "stop": {},
    "restart": {},
    "cancel": REASON,
    "park": REASON,
    "unpark": {},
}


def act(story: Story, name: str, place: Place) -> bool:
    """Do it to the first session of *place*, in a transaction; then tell the host, if there is one. Was it granted?"""
    world = story.world
    session = fetch(
        world.conn,
        "SELECT s.id FROM sessions s JOIN messaging_groups m ON m.id = s.messaging_group_id"
        " WHERE m.channel = ? AND m.platform_id = ? ORDER BY s.id LIMIT 1",
        (place.channel, place.room),
    )[0]["id"]
    request = Request(
        now=world.clock.now(),
        mint=world.weather.mint,
        operator=UserId(f"{CHANNEL}:{OPERATOR}"),
        threaded={},
        check_mounts=lambda *_: (),
        confirmed=True,
    )
    world.history.note(Fault(f"somebody wants to {name} {session!s}"))
    try:
        with transaction(world.conn):
            answer = perform(world.conn, BY_NAME[f"sessions {name}"], {"session": session, **ACTS[name]}, request)
    except UsageError:
        return False
    house = story.life.house
    if house is not None and not story.life.mortal.dead:
        house.changed(answer.hurries)
    return True


@define(eq=False)
class Acted(Story):
    """A run in which an operator does things to sessions, whatever else happens."""

    granted: dict[str, int] = field(factory=dict[str, int], init=False)

    async def happen(self) -> None:
        """As chance has it; in the end nothing is parked."""
        luck = self.world.weather.luck
        for _ in range(luck.choice(LENGTHS) + 1):
            self._say()
            await trio.sleep(luck.choice((0.0, 0.1, 0.4, 1.0, 5.0)))
            for _ in range(luck.choice((1, 1, 2))):
                self._act(luck.choice(list(ACTS)), luck.choice(PLACES))
                await trio.sleep(luck.choice((0.0, 0.0, 0.3, 2.0)))
            if luck.random() < 0.5:
                self._something()
            await trio.sleep(luck.choice(PAUSES))
        for place in PLACES:
            self._act("unpark", place)

    def _act(self, name: str, place: Place) -> None:
        self.granted[name] = self.granted.get(name, 0) + act(self, name, place)
