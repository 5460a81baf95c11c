"""A button that is pressed in the last millisecond while the time is found to be over, by a host that may die."""

from __future__ import annotations

from datetime import datetime, timedelta

import trio
from attrs import define, field, frozen

from nanoclaw.actors.sweep import Sweep
from nanoclaw.channels.base import Receipt
from nanoclaw.kit.tree import TreeNode
from nanoclaw.model.approvals import ApprovalState, CardState
from nanoclaw.model.ids import ApprovalId
from nanoclaw.store import approvals
from nanoclaw.store.verify import verify
from schema.sqlite import fetch, integer
from tests.conftest import Figures
from tests.routing.comparing import NOWHERE
from tests.support.approvals_case import Case
from tests.support.central import CHANNEL
from tests.support.dying import Death, MortalStore, die_everywhere
from tests.support.office import Office, Platform, office

MOST_CHECKPOINTS = 8


@frozen
class At:
    """A clock that stands."""

    when: datetime

    def now(self) -> datetime:
        """That time."""
        return self.when


@define(eq=False)
class LastMoment:
    """Boss has a card, and presses when it is nearly too late."""

    hesitates: int
    """Checkpoints before that."""
    case: Case = field(factory=Case, init=False)
    which: ApprovalId = field(init=False)
    over: datetime = field(init=False)
    platform: Platform = field(factory=lambda: Platform(CHANNEL, keyed=True), init=False)
    receipt: Receipt | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self.case.grant("boss")
        self.which = self.case.ask()
        asked = approvals.get(self.case.world.conn, self.which)
        assert asked is not None
        assert asked.expires_at is not None
        self.over = asked.expires_at

    async def live(self, death: Death) -> None:
        """The sweep sees that it is over, and Boss presses a millisecond before."""
        case = self.case
        async with office(case.world, case.store, death, [self.platform], {case.kind.name: case.kind}) as here:
            case.world.now = self.over - timedelta(milliseconds=1)
            sweep = Sweep(
                *(
                    MortalStore(case.store, death),
                    At(self.over),
                    lambda _: None,
                    here.delivery.nudge,
                    TreeNode("sweep"),
                ),
                longest_sleep=1e9,
            )
            async with trio.open_nursery() as nursery:
                nursery.start_soon(sweep.run)
                nursery.start_soon(self._press, here)
                await here.rest()
                nursery.cancel_scope.cancel()

    async def _press(self, here: Office) -> None:
        [card] = self.platform.cards()
        for _ in range(self.hesitates):
            await trio.lowlevel.checkpoint()
        if self.receipt is None:
            self.receipt = await here.press(self.platform, card, "Approve", by="Boss", number=900)


def assert_sound(scene: LastMoment) -> ApprovalState:
    """It is done, or it is not, and everybody knows which; returns what it came to."""
    conn = scene.case.world.conn
    found = approvals.get(conn, scene.which)
    assert found is not None
    done = integer(conn, "SELECT count(*) FROM users WHERE display_name = 'note'")
    assert (found.state, done) in {(ApprovalState.DONE, 1), (ApprovalState.EXPIRED, 0)}
    [told] = scene.case.told()
    assert ("and done" in told) == bool(done)
    too_late = "This is decided already: closed without a decision: nobody decided in time."
    assert scene.platform.words().count(too_late) == (not done)
    [card] = scene.case.cards()
    assert card.state is CardState.OVER
    edits = fetch(conn, "SELECT state FROM ledger WHERE kind = 'edit' AND id LIKE ?", (f"%/{found.state.value}",))
    assert edits == [{"state": "delivered"}]
    assert verify(conn, NOWHERE, host=None, now=scene.case.world.now) == []
    scene.case.store.close()
    return found.state


async def test_it_counts_or_it_is_too_late_and_whoever_pressed_is_told_which() -> None:
    came_to = set()
    for hesitates in range(MOST_CHECKPOINTS):
        scene = LastMoment(hesitates)
        await scene.live(Death(0))
        came_to.add(assert_sound(scene))
    assert came_to == {ApprovalState.DONE, ApprovalState.EXPIRED}


async def test_the_same_holds_wherever_the_host_dies(figures: Figures) -> None:
    died = await die_everywhere(lambda: LastMoment(MOST_CHECKPOINTS), assert_sound)
    figures(points_died_at=died)
    assert died > 40
