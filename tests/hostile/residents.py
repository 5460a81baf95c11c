"""Who lives in a town: good agents, and evil ones with an order each; and the home that they live in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import trio
from attrs import frozen

from nanoclaw.kit.clock import SystemClock
from nanoclaw.model.ids import AgentGroupId, RoleId
from nanoclaw.model.rights import Grant, Role
from nanoclaw.model.settings import AdminScope, ContainerSettings
from nanoclaw.store import people
from nanoclaw.store.db import open_database
from nanoclaw.store.home import make_folders
from nanoclaw.store.settings import set_settings
from schema.sqlite import Connection
from tests.support.central import World
from tests.support.host import NO_PAGE
from tests.support.platform_channel import ADA, CHANNEL

SETTINGS = """
[retry]
first_pause_seconds = 0.05
delivery_pause_seconds = 0.05
"""


@frozen(kw_only=True)
class Evil:
    """An agent group whose sandbox makes an attack."""

    name: str
    attack: str
    """A module of tests/hostile/attacks/."""
    words: Sequence[str] = ()
    limits: str = "{}"
    """JSON, as in the settings of an agent group."""
    mounts: str = "[]"
    """The same."""
    base_url: str | None = None
    """Where its model answers."""
    admin_scope: str = "group"
    """How far what it asks of the host may reach."""
    managed: bool = False
    """Is Ada, who speaks to it, an admin of it?"""
    epochs: int = 1
    """How many of its first lives are evil; later ones are honest."""


def furnish(around: Path, evils: Sequence[Evil], good: Sequence[str], image: str | None, settings: str) -> None:
    """Make the home, with everybody who lives in it, and what is around it."""
    home = around / "home"
    for name in ("home", "user", "elsewhere", "tmp"):
        (around / name).mkdir()
    (around / "user" / "precious").write_text("kumquat of the user")
    (around / "elsewhere" / "precious").write_text("kumquat of the machine")
    make_folders(home)
    (home / "nanoclaw.toml").write_text(settings + NO_PAGE)
    for evil in evils:
        folder = home / "groups" / evil.name
        folder.mkdir(exist_ok=True)
        order = {"attack": evil.attack, "words": list(evil.words), "epochs": evil.epochs}
        (folder / "attack.json").write_text(json.dumps(order))

    def fill(conn: Connection) -> None:
        world = World(conn=conn, now=SystemClock().now())
        for name in [*good, *(evil.name for evil in evils)]:
            world.wire(world.chat(name, channel=CHANNEL), world.agent(name))
        for evil in evils:
            group = AgentGroupId(f"agt-{evil.name}")
            given = ContainerSettings(
                agent_group_id=group,
                image_tag=image,
                limits=evil.limits,
                additional_mounts=evil.mounts,
                base_url=evil.base_url,
                admin_scope=AdminScope(evil.admin_scope),
                updated_at=world.now,
            )
            set_settings(conn, given)
            if evil.managed:
                people.grant(conn, _admin(world, group))

    async def make() -> None:
        async with open_database(home / "nanoclaw.db") as store:
            await store.transact(fill)

    trio.run(make)


def _admin(world: World, group: AgentGroupId) -> Grant:
    people.note_user(world.conn, ADA, "Ada", now=world.now)
    return Grant(
        id=RoleId(f"role-{group}"),
        user_id=ADA,
        role=Role.ADMIN,
        agent_group_id=group,
        granted_by=None,
        granted_at=world.now,
    )
