"""What an agent is told: its own settings before the home's, and nothing that makes no sense."""

from __future__ import annotations

import json
import re
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.told import HomeSettings, Told, container_json, tell
from nanoclaw.model.entities import AgentGroup
from nanoclaw.model.ids import AgentGroupId
from nanoclaw.model.sandbox import ExtraMount, Network
from nanoclaw.model.settings import ContainerSettings
from runner.config import read_container
from tests.support.central import NOW

HOME = HomeSettings(provider="demo", timezone="Europe/Berlin")
NANO = AgentGroup(id=AgentGroupId("agt-nano"), name="Nano", folder="nano", created_at=NOW)


def told(**own: Any) -> Told:
    return tell(HOME, NANO, attrs.evolve(ContainerSettings(agent_group_id=NANO.id, updated_at=NOW), **own))


def test_without_settings_of_its_own_an_agent_is_told_the_homes() -> None:
    assert container_json(tell(HOME, NANO, None)) == {
        "provider": "demo",
        "groupName": "Nano",
        "assistantName": "Nano",
        "agentGroupId": "agt-nano",
        "mcpServers": {},
        "packages": {},
        "skills": "all",
        "additionalMounts": [],
        "timezone": "Europe/Berlin",
        "limits": {"memory": 2 << 30, "cpus": 1.0, "pids": 512},
    }
    assert told() == tell(HOME, NANO, None)


def test_when_memory_is_shortened_is_the_homes_to_say() -> None:
    home = HomeSettings(provider="claude", timezone="UTC", compact_window=90_000)
    own = ContainerSettings(agent_group_id=NANO.id, updated_at=NOW)
    for settings in (None, own):
        assert container_json(tell(home, NANO, settings))["compactWindow"] == 90_000


def test_its_own_settings_come_before_the_homes() -> None:
    own = told(
        provider="claude",
        model="opus",
        effort="high",
        base_url="http://LOCALHOST:11434/",
        assistant_name="Ada",
        max_messages_per_prompt=3,
        image_tag="agent:1",
        network=Network.OPEN,
        limits='{"memory": "512m", "cpus": 1.5, "pids": 64}',
        skills='["pdf", "calendar", "pdf"]',
        packages='{"apt": ["jq"], "npm": [], "pip": ["attrs"]}',
        mcp_servers='{"time": {"command": "clock", "args": ["-u"], "env": {"TZ": "UTC"}, "instructions": "Ask."}}',
    )
    granted = ExtraMount(source="/srv/x", target="/workspace/extra/x", read_write=True)
    assert container_json(attrs.evolve(own, additional_mounts=(granted,))) == {
        "provider": "claude",
        "model": "opus",
        "effort": "high",
        "baseUrl": "http://localhost:11434",
        "groupName": "Nano",
        "assistantName": "Ada",
        "agentGroupId": "agt-nano",
        "maxMessagesPerPrompt": 3,
        "mcpServers": {"time": {"command": "clock", "args": ["-u"], "env": {"TZ": "UTC"}, "instructions": "Ask."}},
        "packages": {"apt": ["jq"], "npm": [], "pip": ["attrs"]},
        "skills": ["calendar", "pdf"],
        "additionalMounts": [{"containerPath": "/workspace/extra/x", "readonly": False}],
        "imageTag": "agent:1",
        "timezone": "Europe/Berlin",
        "limits": {"memory": 512 << 20, "cpus": 1.5, "pids": 64},
    }
    assert own.network is Network.OPEN
    assert own.left_out == ()


@pytest.mark.parametrize(
    ("own", "why"),
    [
        ({"limits": '{"memory": "all"}'}, "limits: memory: 'all' is no limit"),
        ({"limits": '{"disk": 1}'}, "limits: disk: 1 is no limit"),
        ({"limits": "[]"}, "limits: not of the right form"),
        ({"limits": ""}, "limits: not JSON"),
        ({"base_url": "models.example"}, "base_url: models.example: has to begin with http"),
        ({"mcp_servers": "[]"}, "mcp_servers: not of the right form"),
        ({"mcp_servers": "{"}, "mcp_servers: not JSON"),
        ({"mcp_servers": '{"../x": {"command": "x"}}'}, "mcp_servers: ../x: not a name"),
        ({"mcp_servers": '{"nanoclaw": {"command": "x"}}'}, "not 'nanoclaw'"),
        ({"mcp_servers": '{"x": {}}'}, "mcp_servers: x: .*command"),
        ({"mcp_servers": '{"x": "sh"}'}, "mcp_servers: x: "),
        ({"mcp_servers": '{"x": {"command": "x", "cwd": "/"}}'}, "mcp_servers: x: .*cwd"),
        ({"mcp_servers": '{"x": {"command": 1}}'}, "not text: 1"),
        ({"mcp_servers": '{"x": {"command": "x", "args": "y"}}'}, "not a list: 'y'"),
        ({"mcp_servers": '{"x": {"command": "x", "env": {"A": 1}}}'}, "not text: 1"),
        ({"packages": '{"deb": ["jq"]}'}, "packages: deb: not a kind of packages"),
        ({"packages": '{"apt": "jq"}'}, "packages: apt: not a list"),
        ({"skills": '{"a": 1}'}, "skills: not of the right form"),
        ({"skills": '"none"'}, "skills: not a list: 'none'"),
        ({"skills": "[1]"}, "skills: not text: 1"),
    ],
)
def test_what_makes_no_sense_is_left_out_with_its_reason(own: dict[str, Any], why: str) -> None:
    found = told(**own)
    assert len(found.left_out) == 1
    assert re.search(why, found.left_out[0])
    usual = attrs.evolve(tell(HOME, NANO, None), left_out=found.left_out)
    # Skills that cannot be read are none at all: nobody is given more than was meant.
    assert found == (attrs.evolve(usual, skills=()) if "skills" in own else usual)


def test_one_bad_server_costs_only_itself() -> None:
    servers = {f"s{number}": {"command": "x"} for number in range(60)} | {"a": {"command": 1}}
    found = told(mcp_servers=json.dumps(servers))
    assert len(found.mcp_servers) == 49
    assert len(found.left_out) == 12


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5) | st.sampled_from(["all", "command"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "command", "apt", "env"]), inner),
    max_leaves=8,
)


@given(skills=JSON, servers=JSON, packages=JSON, garbage=st.text(max_size=20))
def test_whatever_the_settings_hold_there_is_something_to_tell(
    skills: object, servers: object, packages: object, garbage: str
) -> None:
    for text in (garbage, None):
        found = told(
            skills=text or json.dumps(skills),
            mcp_servers=text or json.dumps(servers),
            packages=text or json.dumps(packages),
        )
        assert json.loads(json.dumps(container_json(found)))["provider"] == "demo"


def test_the_runner_reads_what_the_host_writes() -> None:
    clock = '{"command": "date", "args": ["-u"], "env": {"TZ": "UTC"}, "instructions": "Ask."}'
    own = told(
        provider="claude",
        model="opus",
        effort="high",
        base_url="http://localhost:11434",
        assistant_name="Ada",
        max_messages_per_prompt=3,
        mcp_servers=f'{{"clock": {clock}, "plain": {{"command": "true"}}}}',
    )
    read = read_container(json.dumps(container_json(own)))
    same = ("provider", "model", "effort", "base_url", "group_name", "assistant_name", "max_messages_per_prompt")
    assert [getattr(read, name) for name in same] == [getattr(own, name) for name in same]
    assert read.timezone == "Europe/Berlin"
    assert {name: attrs.asdict(one) for name, one in read.mcp_servers.items()} == {
        name: attrs.asdict(one, filter=lambda field, _: field.name != "kept") for name, one in own.mcp_servers.items()
    }
