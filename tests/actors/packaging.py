"""An agent that asks for packages, a builder that builds nothing, and the actors between them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import trio
from attrs import define, field
from trio.testing import wait_all_tasks_blocked

from nanoclaw.actors.approvals import Approvals
from nanoclaw.actors.package_versions import PackageVersions
from nanoclaw.actors.packages_kind import PackageRequests, PackagesKind
from nanoclaw.core.approvals import YES_OR_NO
from nanoclaw.core.images import ImageId
from nanoclaw.core.package_versions import Resolved, Version
from nanoclaw.core.packages import Packages
from nanoclaw.kit.tree import TreeNode
from nanoclaw.model.approvals import Approval
from nanoclaw.model.ids import AgentGroupId
from nanoclaw.model.settings import AdminScope
from nanoclaw.store import approvals
from nanoclaw.store.settings import set_settings, settings_of
from schema.requests import InstallPackages
from tests.actors.asking import Case
from tests.support.approvals_case import HostClock
from tests.support.central import World
from tests.support.inline_database import InlineDatabase

TREE = InstallPackages(apt=("tree",), reason="to look\naround")
BASE = ImageId("sha256:" + "1" * 64)


@define
class Shop:
    """A builder that says what it is told to, and notes what it builds."""

    found: list[Packages] = field(factory=list[Packages])
    built: list[tuple[AgentGroupId, Resolved]] = field(factory=list[tuple[AgentGroupId, Resolved]])
    trouble: Exception | None = None
    needs: int = 0
    """Other packages besides."""
    waits: trio.Event | None = None

    async def find(self, packages: Packages) -> Resolved:
        """One version of each of Debian's."""
        await trio.lowlevel.checkpoint()
        self.found.append(packages)
        if self.trouble is not None:
            raise self.trouble
        more = tuple(Version(f"needed-{number}", "1.0") for number in range(self.needs))
        apt = tuple(Version(name, "2.1.0-1") for name in packages.apt)
        return Resolved(base=BASE, apt=apt + more, packages=packages)

    async def build(self, group: AgentGroupId, resolved: Resolved) -> None:
        """Built, after a while."""
        self.built.append((group, resolved))
        if self.waits is not None:
            await self.waits.wait()
        await trio.lowlevel.checkpoint()
        if self.trouble is not None:
            raise self.trouble


@define
class Scene:
    """An agent in a turn of an owner, and what finds out versions and does what was approved."""

    shop: Shop = field(factory=Shop)
    store: InlineDatabase = field(factory=InlineDatabase)
    case: Case = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.case = Case(World(self.store.conn))
        self.case.more = {"install_packages": PackageRequests(mint=self.case.world.mint)}
        self.case.may(AdminScope.GROUP)
        self.case.owner()
        self.case.hears("Ada")

    @asynccontextmanager
    async def living(self) -> AsyncIterator[None]:
        """One life of both actors, at rest when the block begins."""
        clock, kind = HostClock(self.case.world), PackagesKind(self.shop)
        finder = PackageVersions(self.shop, self.store, clock, lambda: None, TreeNode("packages"), longest_sleep=1e9)
        doer = Approvals(
            self.store,
            clock,
            {},
            {kind.name: kind},
            lambda _: None,
            lambda: None,
            TreeNode("approvals"),
            longest_sleep=1e9,
            mint=self.case.world.mint,
        )
        async with trio.open_nursery() as nursery:
            await nursery.start(finder.run)
            await nursery.start(doer.run)
            await wait_all_tasks_blocked()
            yield
            nursery.cancel_scope.cancel()

    async def live(self) -> None:
        """A life in which all is done that there is to do."""
        async with self.living():
            pass

    def the_approval(self) -> Approval:
        (found,) = approvals.approvals(self.case.world.conn)
        return found

    def approve(self) -> None:
        """Somebody says yes to it."""
        by, now = self.case.owner(), self.case.world.now
        assert approvals.decide(self.case.world.conn, self.the_approval().id, YES_OR_NO[0], by=by, now=now) is not None

    def has(self) -> str:
        settings = settings_of(self.case.world.conn, self.case.agent)
        assert settings is not None
        return settings.packages

    def given(self, **words: Any) -> None:
        settings = settings_of(self.case.world.conn, self.case.agent)
        assert settings is not None
        set_settings(self.case.world.conn, attrs.evolve(settings, **words))

    def told(self) -> str:
        note = self.case.notes()[-1]
        assert note["trigger"] == 1, "its agent is woken"
        return str(note["content"])
