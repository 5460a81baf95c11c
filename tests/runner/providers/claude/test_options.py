"""What the command line is started with, by what the group wants and where the runner stands."""

from __future__ import annotations

import pytest

from runner.errors import ConfigError
from runner.providers.claude.options import (
    COMPACT_WINDOW,
    DENIED,
    OURS,
    TOOLS,
    Server,
    Settings,
    Surroundings,
    denial,
    environment,
    option_fields,
    server_fields,
)

STANDS = Surroundings(folder="/workspace/agent", environment={"HOME": "/home/agent"})


def variables(
    base_url: str | None = None,
    *,
    settings: Settings | None = None,
    given: dict[str, str] | None = None,
    root: bool = False,
) -> dict[str, str]:
    stands = Surroundings(folder="/a", environment={"HOME": "/home/agent", **(given or {})}, root=root)
    return environment(settings or Settings(), stands, base_url)


def test_the_instructions_are_added_to_the_preset_and_made_anew_for_each_request() -> None:
    fields = option_fields(Settings(), STANDS, instructions="Be brief.", continuation=None)
    assert fields["system_prompt"] == {
        "type": "preset",
        "preset": "claude_code",
        "append": "Be brief.",
        "snapshot": False,
    }


def test_model_effort_and_session_are_passed_on() -> None:
    settings = Settings(model="claude-opus-5", effort="low")
    fields = option_fields(settings, STANDS, instructions="", continuation="s-1")
    assert (fields["model"], fields["effort"], fields["resume"]) == ("claude-opus-5", "low", "s-1")


def test_an_effort_that_there_is_not_is_refused_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"no effort 'huge'; there are: low, medium"):
        Settings(effort="huge")


def test_no_tool_is_both_given_and_denied() -> None:
    assert not set(TOOLS) & set(DENIED)


@pytest.mark.parametrize("tool", sorted(DENIED))
def test_a_denial_names_the_tool_and_what_to_do_instead(tool: str) -> None:
    why = denial(tool)
    assert why is not None
    assert why.startswith(f"{tool} is not available here. ")
    assert why.endswith(".")


def test_any_other_tool_is_not_denied() -> None:
    assert denial("Bash") is None
    assert denial("mcp__nanoclaw__schedule_task") is None


def test_state_is_where_the_host_has_put_it() -> None:
    assert variables()["CLAUDE_CONFIG_DIR"] == "/home/agent/.claude"
    assert variables(given={"HOME": "/srv/state"})["CLAUDE_CONFIG_DIR"] == "/srv/state"
    assert variables(given={"CLAUDE_CONFIG_DIR": "/x"})["CLAUDE_CONFIG_DIR"] == "/x"


def test_nothing_but_the_model_is_called() -> None:
    assert variables()["CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC"] == "1"


def test_where_memory_is_shortened_can_be_said() -> None:
    assert variables()[COMPACT_WINDOW] == "165000"
    assert variables(settings=Settings(compact_window=50_000))[COMPACT_WINDOW] == "50000"


def test_another_endpoint_is_passed_on_and_none_is_not_made_up() -> None:
    assert variables("http://127.0.0.1:11434")["ANTHROPIC_BASE_URL"] == "http://127.0.0.1:11434"
    assert "ANTHROPIC_BASE_URL" not in variables()


def test_only_root_says_that_there_are_walls() -> None:
    assert variables(root=True)["IS_SANDBOX"] == "1"
    assert "IS_SANDBOX" not in variables()


def test_there_is_always_some_key() -> None:
    assert variables()["ANTHROPIC_API_KEY"]
    assert variables(given={"ANTHROPIC_API_KEY": "mine"})["ANTHROPIC_API_KEY"] == "mine"


def test_no_server_of_the_group_takes_the_place_of_ours() -> None:
    servers = {"weather": Server(command="w", args=("-v",), env={"A": "b"}), OURS: Server(command="evil")}
    assert server_fields(servers) == {"weather": {"type": "stdio", "command": "w", "args": ["-v"], "env": {"A": "b"}}}
