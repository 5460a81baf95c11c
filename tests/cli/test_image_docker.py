"""`nanoclaw image build` on a real engine, for a home whose agents have packages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import trio

from nanoclaw.cli import exits, image
from nanoclaw.config import Config
from nanoclaw.core.images import ImageId, group_current
from nanoclaw.model.entities import AgentGroup
from nanoclaw.model.ids import AgentGroupId
from nanoclaw.model.settings import ContainerSettings
from nanoclaw.sandboxes.image_build import Wanted
from nanoclaw.sandboxes.images import open_images
from nanoclaw.settings import SandboxSettings
from nanoclaw.store.entities import add_agent_group
from nanoclaw.store.opening import open_writer
from nanoclaw.store.settings import set_settings
from schema.sqlite import transaction
from schema.times import read_time
from tests.support.docker_engine import TEST_IMAGE

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]

NOW = read_time("2026-01-01T00:00:00.000Z")
PACKAGES = {
    "Good": '{"apt": ["jq"]}',
    "Forged": '{"apt": ["jq;id"]}',
    "Gone": '{"apt": ["no-such-package"]}',
    "None": "{}",
}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[tuple[Config, dict[str, AgentGroupId]]]:
    """A home with an agent for each of `PACKAGES`; their images go with it."""
    config = Config(home=tmp_path, sandbox=SandboxSettings(image=TEST_IMAGE))
    groups = {name: AgentGroupId(f"test-{uuid4().hex[:12]}") for name in PACKAGES}
    writer = open_writer(config.database)
    try:
        with transaction(writer.conn):
            for name, group in groups.items():
                add_agent_group(writer.conn, AgentGroup(id=group, name=name, folder=name.lower(), created_at=NOW))
                own = ContainerSettings(agent_group_id=group, packages=PACKAGES[name], updated_at=NOW)
                set_settings(writer.conn, own)
    finally:
        writer.close()
    yield config, groups
    trio.run(forget, groups["Good"])


async def forget(group: AgentGroupId) -> None:
    async with open_images() as images:
        facts = await images.find(group_current(group))
        for tag in facts.tags if facts is not None else ():
            await images.forget(tag)


async def who_has_one(groups: dict[str, AgentGroupId]) -> set[str]:
    async with open_images() as images:
        return {name for name, group in groups.items() if await images.find(group_current(group)) is not None}


def test_each_agent_with_packages_gets_its_image_and_one_that_cannot_does_not_hold_up_the_others(
    agent_image: ImageId, home: tuple[Config, dict[str, AgentGroupId]], capsys: pytest.CaptureFixture[str]
) -> None:
    config, groups = home
    assert image.build(config, Wanted(tag=TEST_IMAGE, claude=False)) == exits.REFUSED
    said = capsys.readouterr().out
    assert f"{TEST_IMAGE} is {agent_image[:19]}" in said
    assert "✓ Good has sha256:" in said
    assert "✗ Forged keeps the image it has: packages.apt: 'jq;id' cannot be a package's name" in said
    assert "✗ Gone keeps the image it has: " in said
    assert "None" not in said
    assert trio.run(who_has_one, groups) == {"Good"}
