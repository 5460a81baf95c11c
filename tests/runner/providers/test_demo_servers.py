"""The demo's calls of tools of MCP servers: real programs, good ones and bad ones."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from runner.model import McpServer
from runner.providers import demo_servers
from runner.providers.demo_servers import WithServers
from runner.tools.base import Answer, NoTools
from tests.runner.providers.claude import extra_server
from tests.runner.recording_tools import RecordingTools

WEATHER = McpServer(command=sys.executable, args=("-I", str(Path(extra_server.__file__))), env={"PLACE": "Bergen"})


def program(text: str) -> McpServer:
    return McpServer(command=sys.executable, args=("-I", "-S", "-c", text))


async def call(server: McpServer, name: str = "mcp__weather__weather") -> Answer:
    return await WithServers(NoTools(), {"weather": server}).call(name, {})


async def test_a_tool_of_a_server_answers_and_what_is_none_is_the_toolboxs() -> None:
    assert await call(WEATHER) == Answer("It rains in Bergen.")
    tools = RecordingTools()
    both = WithServers(tools, {"weather": WEATHER})
    assert both.tools == tools.tools
    assert "send_message: done" in (await both.call("send_message", {"text": "x"})).text


async def test_a_server_that_is_not_there_is_answered_with_those_that_are() -> None:
    answer = await call(WEATHER, "mcp__clock__now")
    assert answer == Answer("There is no MCP server 'clock'. There are: weather.", failed=True)


@pytest.mark.parametrize(
    ("server", "why"),
    [
        (McpServer(command="/no/such/program"), "cannot be asked"),
        (program("pass"), "cannot be asked"),
        (program("print('not JSON', flush=True); input()"), "cannot be asked"),
        (program("print('[' * 99999, flush=True); input()"), "cannot be asked"),
        (
            program(
                'for n in \'12\': print(\'{"id": %s, "error": {"message": "no"}}\' % n, flush=True)\nopen(0).read()'
            ),
            '"message": "no"',
        ),
    ],
)
async def test_one_that_does_not_answer_as_it_should_is_a_failure_in_words(server: McpServer, why: str) -> None:
    answer = await call(server)
    assert answer.failed
    assert why in answer.text


async def test_one_that_does_not_answer_at_all_is_waited_for_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_servers, "PATIENCE_SECONDS", 0.5)
    assert await call(program("import time; time.sleep(99)")) == Answer(
        "weather did not answer within 0.5 s", failed=True
    )
