"""A stranger, a chat that nobody hears, and a host that dies at any await point: each is let in, and heard, once."""

from __future__ import annotations

from collections.abc import Awaitable

from attrs import define, field

from nanoclaw.actors.approval_kinds import KINDS
from nanoclaw.channels.base import Receipt
from nanoclaw.model.approvals import ApprovalState, CardState
from nanoclaw.store import approvals
from nanoclaw.store.verify import verify
from schema import payloads
from schema.sqlite import execute, fetch, integer
from tests.conftest import Figures
from tests.routing.comparing import NOWHERE
from tests.support.approvals_case import Case
from tests.support.central import CHANNEL, said
from tests.support.dying import Death, die_everywhere
from tests.support.office import Platform, office

WORDS = {
    "may I come in?": said(1, room="room", sender="Eve", text="may I come in?"),
    "anybody there?": said(2, room="C7", sender="Mallory", text="anybody there?"),
}
YES = {"Allow", "Connect to nano"}


@define(eq=False)
class Door:
    """Two who knock, and Boss, who lets them in; all of them say it again until it is taken."""

    case: Case = field(factory=Case, init=False)
    platform: Platform = field(factory=lambda: Platform(CHANNEL, keyed=True), init=False)
    taken: set[str] = field(factory=set[str], init=False)

    def __attrs_post_init__(self) -> None:
        self.case.grant("boss")
        execute(self.case.world.conn, "UPDATE messaging_groups SET unknown_sender_policy = 'request_approval'")

    async def live(self, death: Death) -> None:
        """They knock, are asked about, and are let in."""
        async with office(self.case.world, self.case.store, death, [self.platform], KINDS) as here:
            for text, event in WORDS.items():
                if text not in self.taken:
                    await self._until_taken(text, here.ingress.receive(event))
            await here.rest()
            for number, card in enumerate(self.platform.cards(), start=900):
                [label] = YES & {option.label for option in card.options}
                if card.question not in self.taken:
                    pressed = here.press(self.platform, card, label, by="Boss", number=number)
                    await self._until_taken(card.question, pressed)

    async def _until_taken(self, what: str, telling: Awaitable[Receipt]) -> None:
        await telling
        self.taken.add(what)


def assert_sound(door: Door) -> None:
    """Both are in, with what they had said."""
    conn = door.case.world.conn
    heard = fetch(conn, "SELECT content FROM inbound WHERE kind = 'chat' AND trigger = 1")
    assert sorted(payloads.read_as(payloads.ChatIn, str(row["content"])).text for row in heard) == sorted(WORDS)
    members = [row["user_id"] for row in fetch(conn, "SELECT user_id FROM members ORDER BY user_id")]
    assert members == ["test:eve", "test:mallory"]
    assert integer(conn, "SELECT count(*) FROM wirings") == 2
    assert [one.state for one in approvals.approvals(conn)] == [ApprovalState.DONE] * 2
    assert {card.state for card in door.case.cards()} == {CardState.OVER}
    edits = fetch(conn, "SELECT state FROM ledger WHERE kind = 'edit'")
    assert edits == [{"state": "delivered"}] * 2
    assert fetch(conn, "SELECT 1 FROM kept_messages") == []
    assert verify(conn, NOWHERE, host=None, now=door.case.world.now) == []
    door.case.store.close()


async def test_whoever_knocks_is_let_in_once_and_heard_once_wherever_the_host_dies(figures: Figures) -> None:
    died = await die_everywhere(Door, assert_sound)
    figures(points_died_at=died)
    assert died > 50
