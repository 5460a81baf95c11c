"""What is set for one agent group and not for the whole home."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve

from nanoclaw.model.ids import AgentGroupId, EpochNumber
from nanoclaw.model.settings import AdminScope, ContainerSettings
from nanoclaw.store import destinations, entities, projection, sessions, settings
from schema.sqlite import ConstraintError, integer
from tests.support.central import NOW, World

NANO = AgentGroupId("agt-nano")
PLAIN = ContainerSettings(agent_group_id=NANO, updated_at=NOW)
FULL = ContainerSettings(
    agent_group_id=NANO,
    provider="claude",
    model="opus",
    effort="high",
    assistant_name="Nano",
    image_tag="nano:7",
    max_messages_per_prompt=3,
    skills='["browser"]',
    mcp_servers='{"a": {}}',
    packages='{"apt": ["jq"]}',
    additional_mounts='["/srv"]',
    admin_scope=AdminScope.GLOBAL,
    updated_at=NOW + timedelta(days=1),
)


def test_nothing_is_set_until_somebody_sets_it() -> None:
    world = World()
    world.agent()
    assert settings.settings_of(world.conn, NANO) is None


@pytest.mark.parametrize("given", [PLAIN, FULL])
def test_settings_are_kept_as_they_were_given(given: ContainerSettings) -> None:
    world = World()
    world.agent()
    settings.set_settings(world.conn, given)
    assert settings.settings_of(world.conn, NANO) == given


def test_settings_replace_those_from_before_and_are_one_agents_own() -> None:
    world = World()
    world.agent()
    other = world.agent("other")
    settings.set_settings(world.conn, FULL)
    settings.set_settings(world.conn, PLAIN)
    assert settings.settings_of(world.conn, NANO) == PLAIN
    assert settings.settings_of(world.conn, other.id) is None


def test_a_session_that_starts_knows_its_agents_settings() -> None:
    world = World()
    session = world.session()
    settings.set_settings(world.conn, FULL)
    place = sessions.session_place(world.conn, session)
    assert place is not None
    assert place.settings == FULL


def test_settings_are_for_an_agent_that_is_there_and_go_with_it() -> None:
    world = World()
    with pytest.raises(ConstraintError):
        settings.set_settings(world.conn, PLAIN)
    world.agent()
    settings.set_settings(world.conn, PLAIN)
    entities.delete_agent_group(world.conn, NANO)
    assert integer(world.conn, "SELECT count(*) FROM container_settings") == 0


def test_a_prompt_holds_one_message_at_least() -> None:
    with pytest.raises(ValueError, match="max_messages_per_prompt"):
        evolve(PLAIN, max_messages_per_prompt=0)


def test_running_sessions_are_shown_their_agent_again() -> None:
    world = World()
    place = sessions.session_place(world.conn, world.session())
    assert place is not None
    tick = projection.changes(world.conn, place, EpochNumber(1), 0).tick
    assert projection.changes(world.conn, place, EpochNumber(1), tick).empty
    settings.set_settings(world.conn, PLAIN)
    assert projection.changes(world.conn, place, EpochNumber(1), tick).destinations == destinations.shown(
        world.conn, NANO
    )
