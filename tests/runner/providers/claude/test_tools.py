"""The real command line uses tools: its own, ours in this process, those of another server; not those it may not."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

import pytest

from runner.providers.base import Event, Input, Taken, ToolEnded, ToolStarted
from runner.providers.claude.options import Server
from tests.runner.providers.claude import extra_server
from tests.runner.providers.claude.desk import MOST_SECONDS, Desk, answers, of, rest, until
from tests.support.model_wire import Turn, Uses, says, uses

pytestmark = pytest.mark.timeout(MOST_SECONDS)


def balanced(events: list[Event]) -> bool:
    """Has every tool that started ended, and none that did not?"""
    started = [event.use for event in of(ToolStarted, events)]
    return sorted(started) == sorted(event.use for event in of(ToolEnded, events))


async def test_a_shell_runs_and_the_model_sees_what_it_said(desk: Desk) -> None:
    desk.model.then(uses("Bash", command="echo it is $((6 * 7))", timeout=90_000), says("42"))
    events = await desk.ask("how much?")
    assert answers(events) == ["42"]
    (started,) = of(ToolStarted, events)
    assert (started.name, started.declared_timeout) == ("Bash", timedelta(seconds=90))
    assert balanced(events)
    assert "it is 42" in desk.model.asked[1].last


async def test_two_tools_at_once_are_told_apart(desk: Desk) -> None:
    both = Turn(parts=(Uses("Bash", {"command": "echo left"}), Uses("Bash", {"command": "echo right"})))
    desk.model.then(both, says("done"))
    events = await desk.ask("both")
    assert len({event.use for event in of(ToolStarted, events)}) == 2
    assert balanced(events)


async def test_a_tool_that_fails_has_ended_too(desk: Desk) -> None:
    desk.model.then(uses("Read", file_path="/no/such/file"), says("gone"))
    events = await desk.ask("read it")
    assert len(of(ToolStarted, events)) == 1
    assert balanced(events)
    assert answers(events) == ["gone"]


async def test_a_tool_that_is_denied_does_not_run_and_the_model_is_told_what_to_do_instead(desk: Desk) -> None:
    desk.denied = {"Bash": "Use your head."}
    made = desk.folder / "made"
    desk.model.then(uses("Bash", command=f"touch {made}"), says("I see"))
    events = await desk.ask("make it")
    assert not made.exists()
    assert "Bash is not available here. Use your head." in desk.model.asked[1].last
    assert of(ToolStarted, events) == []
    assert answers(events) == ["I see"]


async def test_a_tool_that_makes_no_sense_here_is_not_run(desk: Desk) -> None:
    desk.model.then(uses("CronCreate", cron="* * * * *", prompt="hello"), says("then not"))
    events = await desk.ask("each minute")
    assert "CronCreate" in desk.model.asked[1].last
    assert answers(events) == ["then not"]


async def test_a_tool_of_ours_runs_in_this_process_for_as_long_as_it_takes(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MCP_TOOL_TIMEOUT", "1000")
    desk.box.takes = 1.3
    desk.model.then(uses("mcp__nanoclaw__send_message", text="on my way"), says("done"))
    events = await desk.ask("say something")
    assert desk.box.calls == [("send_message", {"text": "on my way"})]
    assert [event.name for event in of(ToolStarted, events)] == ["mcp__nanoclaw__send_message"]
    assert balanced(events)
    assert "sent as number 7" in desk.model.asked[1].last


async def test_what_a_tool_of_ours_refuses_is_an_error_to_the_model_and_so_are_arguments_that_do_not_fit(
    desk: Desk,
) -> None:
    desk.box.failing = True
    name = "mcp__nanoclaw__send_message"
    desk.model.then(uses(name, text="on my way"), uses(name, txet="on my way"), says("oh"))
    events = await desk.ask("say something")
    refused, unfit = (asked.blocks("tool_result")[0] for asked in desk.model.asked[1:])
    assert (refused["is_error"], unfit["is_error"]) == (True, True)
    assert "there is no such place" in desk.model.asked[1].last
    assert "'text' is a required property" in desk.model.asked[2].last
    assert desk.box.calls == [("send_message", {"text": "on my way"})]
    assert balanced(events)


async def test_a_server_of_the_group_serves_its_tools(desk: Desk) -> None:
    program = Path(extra_server.__file__)
    desk.servers = {
        "weather": Server(command=sys.executable, args=(str(program),), env={"PLACE": "Bergen"}),
        "nanoclaw": Server(command="false"),
    }
    desk.model.then(uses("mcp__weather__weather"), says("take a coat"))
    events = await desk.ask("the weather?")
    assert "It rains in Bergen." in desk.model.asked[1].last
    assert {"mcp__weather__weather", "mcp__nanoclaw__send_message"} <= set(desk.model.asked[0].tools)
    assert answers(events) == ["take a coat"]


async def test_what_is_pushed_while_a_tool_runs_is_answered_by_the_same_result(desk: Desk) -> None:
    go = desk.folder / "go"
    wait = f"until [ -e {go} ]; do sleep 0.05; done; sleep 0.3; echo gone"
    desk.model.then(uses("Bash", command=wait), says("both done"))
    async with desk.query("first") as query:
        _, before = await until(query, ToolStarted)
        query.push(Input(id="2", text="and the second"))
        go.touch()
        query.end()
        events = [*before, *await rest(query)]
    assert answers(events) == ["both done"]
    assert of(Taken, events) == [Taken("1"), Taken("2")]
    assert "and the second" in desk.model.asked[1].last
