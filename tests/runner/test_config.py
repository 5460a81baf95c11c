"""container.json, read strictly where it says something and not at all where it does not."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path

import pytest

from runner.config import load_container, read_container, zone
from runner.errors import ConfigError
from runner.model import Container, McpServer


def test_without_a_file_everything_has_its_default() -> None:
    assert load_container(None) == Container()
    assert read_container("{}") == Container(provider="demo", max_messages_per_prompt=10, timezone=None)


def test_what_is_given_is_taken_and_what_is_unknown_is_left() -> None:
    text = """{
        "provider": "claude", "model": "opus", "effort": "high", "baseUrl": "http://localhost:11434",
        "groupName": "Nano", "assistantName": "Bo", "maxMessagesPerPrompt": 3, "timezone": "UTC",
        "compactWindow": 90000,
        "mcpServers": {
            "clock": {"command": "date", "args": ["-u"], "env": {"TZ": "UTC"}, "instructions": "Ask.", "later": 1},
            "plain": {"command": "true"}
        },
        "ofALaterVersion": 7
    }"""
    assert read_container(text) == Container(
        provider="claude",
        model="opus",
        effort="high",
        base_url="http://localhost:11434",
        group_name="Nano",
        assistant_name="Bo",
        mcp_servers={
            "clock": McpServer(command="date", args=("-u",), env={"TZ": "UTC"}, instructions="Ask."),
            "plain": McpServer(command="true"),
        },
        max_messages_per_prompt=3,
        compact_window=90_000,
        timezone="UTC",
    )


def test_null_is_as_good_as_left_out() -> None:
    assert read_container('{"timezone": null, "maxMessagesPerPrompt": null}') == Container()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"provider": 1}', "provider: not text"),
        ('{"assistantName": ["x"]}', "assistantName: not text"),
        ('{"maxMessagesPerPrompt": "10"}', "maxMessagesPerPrompt: not a whole number"),
        ('{"maxMessagesPerPrompt": true}', "maxMessagesPerPrompt: not a whole number"),
        ('{"maxMessagesPerPrompt": 0}', "maxMessagesPerPrompt: less than 1"),
        ('{"compactWindow": 0}', "compactWindow: less than 1"),
        ('{"compactWindow": "many"}', "compactWindow: not a whole number"),
        ('{"model": 7}', "model: not text"),
        ('{"baseUrl": []}', "baseUrl: not text"),
        ('{"mcpServers": []}', "mcpServers: not an object"),
        ('{"mcpServers": {"clock": "date"}}', "mcpServers.clock: not an object"),
        ('{"mcpServers": {"clock": {}}}', "mcpServers.clock.command: has to be there"),
        ('{"mcpServers": {"clock": {"command": 1}}}', "mcpServers.clock.command: not text"),
        ('{"mcpServers": {"clock": {"command": "x", "args": "-u"}}}', "mcpServers.clock.args: not a list"),
        ('{"mcpServers": {"clock": {"command": "x", "args": [1]}}}', "mcpServers.clock.args: not all of it is text"),
        ('{"mcpServers": {"clock": {"command": "x", "env": {"A": 1}}}}', "mcpServers.clock.env: not all of it is text"),
        ("[]", "not a JSON object"),
        ("{", "not JSON"),
        ('{"provider": "a", "provider": "b"}', "twice"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        read_container(text)


def test_a_file_that_is_named_must_be_there_and_be_text(tmp_path: Path) -> None:
    file = tmp_path / "container.json"
    with pytest.raises(ConfigError, match="No such file"):
        load_container(file)
    file.write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="utf-8"):
        load_container(file)
    file.write_text('{"assistantName": "Bo"}')
    assert load_container(file).assistant_name == "Bo"


def test_a_known_zone_has_its_rules() -> None:
    lisbon = zone("Europe/Lisbon")
    assert lisbon.name == "Europe/Lisbon"
    assert lisbon.rules is not UTC


@pytest.mark.parametrize("name", ["Mars/Olympus", "../etc/passwd", "", "Europe"])
def test_an_unknown_zone_is_utc_and_says_so(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert (zone(name).name, zone(name).rules) == ("UTC", UTC)
    assert "unknown_timezone" in capsys.readouterr().err
