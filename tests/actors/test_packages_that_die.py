"""An agent asks for packages, and its host dies at any await point: they are shown once, set once, and it is told."""

from __future__ import annotations

import json

import trio
from attrs import define, field

from nanoclaw.actors.absorb import absorb
from nanoclaw.actors.package_versions import PackageVersions
from nanoclaw.actors.packages_kind import PackagesKind
from nanoclaw.kit.tree import TreeNode
from nanoclaw.model.approvals import ApprovalState, CardState
from nanoclaw.store import epochs, package_requests
from schema import payloads
from schema.payloads import SystemOut
from schema.rows import OutKind
from schema.sqlite import fetch
from tests.actors.absorbing import a_row, report
from tests.actors.packaging import TREE, Scene
from tests.conftest import Figures
from tests.support.approvals_case import HostClock
from tests.support.central import CHANNEL
from tests.support.dying import Death, MortalStore, die_everywhere
from tests.support.office import Platform, office


@define(eq=False)
class Asking:
    """What an agent has written, which is there whatever becomes of the host; and Ada, who presses twice."""

    scene: Scene = field(factory=Scene)
    platform: Platform = field(factory=lambda: Platform(CHANNEL, keyed=True))

    async def live(self, death: Death) -> None:
        """Whatever the outbox holds is taken in, versions are found out, and what waits for a person is approved."""
        case, shop = self.scene.case, self.scene.shop
        mortal, kind = MortalStore(self.scene.store, death), PackagesKind(shop)
        said = SystemOut(action="install_packages", arguments=payloads.write(TREE))
        row = a_row(1, kind=OutKind.SYSTEM, in_reply_to=None, payload=said)
        kinds = {kind.name: kind}
        async with (
            office(case.world, self.scene.store, death, [self.platform], kinds) as here,
            trio.open_nursery() as nursery,
        ):
            finder = PackageVersions(
                *(shop, mortal, HostClock(case.world), here.approvals.look, TreeNode("packages")), longest_sleep=1e9
            )
            await nursery.start(finder.run)
            await mortal.transact(
                absorb, case.place, case.epoch, report(rows=(row,)), handlers=case.more, now=case.world.now
            )
            finder.look()
            while not self.platform.cards():
                await here.rest()
            for number in (900, 901):
                await here.press(self.platform, self.platform.cards()[0], "Approve", by="Ada", number=number)
            await here.rest()
            nursery.cancel_scope.cancel()


def assert_sound(asking: Asking) -> None:
    """They were asked for once and set once, the session begins anew once, and its agent knows."""
    scene = asking.scene
    conn, case = scene.store.conn, scene.case
    assert package_requests.waiting(conn) == []
    approval = scene.the_approval()
    assert approval.state is ApprovalState.DONE
    assert fetch(conn, "SELECT state FROM approval_cards") == [{"state": CardState.OVER.value}]
    assert {one.packages for _, one in scene.shop.built} == set(scene.shop.found)
    assert json.loads(scene.has()) == {"apt": ["tree"]}
    assert epochs.told_to_end(conn, case.place.session.id, case.epoch) is not None
    told = [str(json.loads(str(note["content"]))["text"]) for note in case.notes()]
    assert sorted(text.partition(" ")[0] for text in told) == sorted(["submitted:", "your", f"{approval.id},"])
    scene.store.close()


async def test_packages_are_set_once_and_their_agent_is_told_once_wherever_the_host_dies(figures: Figures) -> None:
    died = await die_everywhere(Asking, assert_sound)
    figures(points_died_at=died)
    assert died > 50
