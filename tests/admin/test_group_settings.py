"""What sandboxes of a group may take and reach is set like the rest, and an open network is not overlooked."""

from __future__ import annotations

import pytest

from nanoclaw.errors import UsageError
from nanoclaw.model.ids import AgentGroupId
from nanoclaw.model.sandbox import Network
from nanoclaw.store.settings import open_networks, settings_of
from tests.support.central import everything
from tests.support.desk import Desk


@pytest.fixture
def desk() -> Desk:
    """Two agents."""
    desk = Desk()
    desk.do("groups create", name="Nano")
    desk.do("groups create", name="Ops")
    return desk


def test_limits_and_skills_are_set_one_by_one_and_taken_back(desk: Desk) -> None:
    row = desk.one("groups update", group="nano", memory="1g", cpus="1.5", skills="pdf, calendar")
    assert (row["limits"], row["skills"]) == ('{"cpus": 1.5, "memory": "1g"}', '["calendar", "pdf"]')
    row = desk.one("groups update", group="nano", pids=64, memory="")
    assert row["limits"] == '{"cpus": 1.5, "pids": 64}'
    row = desk.one("groups update", group="nano", cpus="", pids=0, skills="all")
    assert (row["limits"], row["skills"]) == ("{}", '"all"')
    assert desk.one("groups update", group="nano", skills="")["skills"] == "[]"


def test_a_model_answers_where_the_operator_says_until_it_is_taken_back(desk: Desk) -> None:
    assert desk.one("groups get", group="nano")["base_url"] is None
    row = desk.one("groups update", group="nano", base_url="HTTP://localhost:11434/", provider="claude")
    assert (row["base_url"], row["provider"]) == ("http://localhost:11434", "claude")
    assert desk.one("groups update", group="nano", base_url="")["base_url"] is None


def test_a_network_is_closed_until_somebody_opens_it_and_then_every_look_says_so(desk: Desk) -> None:
    warning = "WARNING: the network is open to the sandboxes of Nano"
    assert desk.do("groups list").said is None
    assert desk.one("groups get", group="nano")["network"] == "none"
    assert desk.do("groups update", group="nano", network="open").said == (
        "changed Nano; sandboxes that run keep what they were started with, until: nanoclaw groups restart nano\n"
        f"{warning}"
    )
    assert desk.do("groups list").said == warning
    assert desk.do("groups get", group="nano").said == warning
    assert desk.do("groups get", group="ops").said is None
    assert [group.name for group in open_networks(desk.world.conn)] == ["Nano"]
    desk.do("groups update", group="nano", network="none")
    assert desk.do("groups list").said is None
    (nano,) = [row["id"] for row in desk.do("groups list").rows if row["name"] == "Nano"]
    found = settings_of(desk.world.conn, AgentGroupId(str(nano)))
    assert found is not None
    assert found.network is Network.NONE


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"memory": "lots"}, "--memory: 'lots' is not an amount such as 512m or 2g"),
        ({"memory": "1m"}, "--memory: '1m' .* 64m or more"),
        ({"cpus": "0"}, "--cpus: '0' is not a number of processors"),
        ({"pids": 3}, "--pids: 3 is not a number of processes, 16 or more"),
        ({"skills": "pdf,../x"}, r"--skills: '\.\./x' is no name of a skill"),
        ({"network": "some"}, "network"),
        ({"base_url": "models.example"}, "--base-url: models.example: has to begin with http:// or https://"),
        ({"base_url": "https://ada:sesame@models.example"}, "has a user in it"),
    ],
)
def test_each_wrong_setting_gets_a_sentence_and_changes_nothing(
    desk: Desk, arguments: dict[str, object], why: str
) -> None:
    before = everything(desk.world.conn)
    with pytest.raises(UsageError, match=why):
        desk.do("groups update", group="nano", **arguments)
    after = everything(desk.world.conn)
    assert after["container_settings"] == before["container_settings"]
