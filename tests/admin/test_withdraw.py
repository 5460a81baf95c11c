"""What an agent got because it asked for it can be taken away."""

from __future__ import annotations

import json

import pytest

from nanoclaw.errors import UsageError
from nanoclaw.model.ids import AgentGroupId
from nanoclaw.model.settings import ContainerSettings
from nanoclaw.store import epochs
from nanoclaw.store.sessions import sessions
from nanoclaw.store.settings import set_settings, settings_of
from tests.support.central import NOW
from tests.support.desk import Desk

SERVERS = {"time": {"command": "x"}, "weather": {"command": "y"}}
PACKAGES = {"apt": ["jq", "tree"], "pip": ["rich"]}


@pytest.fixture
def desk() -> Desk:
    """An agent that has something."""
    desk = Desk()
    desk.world.session()
    given = ContainerSettings(
        agent_group_id=AgentGroupId("agt-nano"),
        mcp_servers=json.dumps(SERVERS),
        packages=json.dumps(PACKAGES),
        updated_at=NOW,
    )
    set_settings(desk.world.conn, given)
    return desk


def has(desk: Desk) -> tuple[object, object]:
    found = settings_of(desk.world.conn, AgentGroupId("agt-nano"))
    assert found is not None
    return json.loads(found.mcp_servers), json.loads(found.packages)


def test_a_server_goes_and_the_others_stay(desk: Desk) -> None:
    assert str(desk.do("groups withdraw", group="nano", mcp_server="time").said).endswith("has time no longer")
    assert has(desk) == ({"weather": {"command": "y"}}, PACKAGES)


def test_a_package_goes_from_the_image_as_soon_as_there_is_another_one(desk: Desk) -> None:
    assert "its image has tree until" in str(desk.do("groups withdraw", group="nano", package="tree").said)
    assert has(desk) == (SERVERS, {"apt": ["jq"], "pip": ["rich"]})
    desk.do("groups withdraw", group="nano", package="jq")
    assert "until" not in str(desk.do("groups withdraw", group="nano", package="rich").said), "the agent image is there"
    assert has(desk) == (SERVERS, {})


def test_sandboxes_end_if_that_is_wanted(desk: Desk) -> None:
    (session,) = [one.id for one in sessions(desk.world.conn)]
    epoch = epochs.begin(desk.world.conn, session, engine="test", now=desk.world.now)
    desk.do("groups withdraw", group="nano", mcp_server="time")
    assert epochs.told_to_end(desk.world.conn, session, epoch) is None
    assert "end now: 1" in str(desk.do("groups withdraw", group="nano", mcp_server="weather", restart=True).said)
    assert epochs.told_to_end(desk.world.conn, session, epoch) is not None


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ({}, "say what"),
        ({"mcp_server": "clock"}, "there is no MCP server 'clock'; there are: time, weather"),
        ({"package": "curl"}, "there is no package 'curl'; there are: jq, tree, rich"),
    ],
)
def test_what_is_not_there_is_answered_with_what_is(desk: Desk, words: dict[str, str], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        desk.do("groups withdraw", group="nano", **words)
    assert has(desk) == (SERVERS, PACKAGES)
