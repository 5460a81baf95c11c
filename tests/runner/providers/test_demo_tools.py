"""The demo uses each of its tools when it is asked to, and says what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest

from runner.core.items import Message, Prompt, QuestionAnswered
from runner.core.prompt import render
from runner.providers.base import Event, Init, Input, Result, Taken, ToolEnded, ToolStarted
from runner.providers.demo import DemoProvider
from runner.providers.demo_script import HELP
from runner.tools.base import Answer
from runner.tools.toolbox import DEFINITIONS
from tests.runner.recording_tools import RecordingTools

NOW = datetime.fromisoformat("2026-04-16T14:37:00+02:00")


async def events(tools: RecordingTools, text: str, source: str | None = "room") -> list[Event]:
    """What the demo does about a message, after it has taken it."""
    message = Message(id=2, source=source, sender="Ada", time=NOW, text=text)
    prompt = render(Prompt(timezone="x", now=NOW, items=(message,)))
    found: list[Event] = []
    async with DemoProvider("Nano", toolbox=tools).query(Input(id="1", text=prompt), None, "") as query:
        query.end()
        while (event := await query.next_event()) is not None:
            if not isinstance(event, Init | Taken):
                found.append(event)
    return found


def at(time: str) -> dict[str, str]:
    return {"process_after": f"2026-04-16T{time}+02:00"}


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("Tell family dinner is ready", [("send_message", {"to": "family", "text": "dinner is ready"})]),
        (
            "edit",
            [
                ("send_message", {"text": "I am about to change my mind.", "to": "room"}),
                ("edit_message", {"message_id": 7, "text": "I have changed my mind."}),
            ],
        ),
        ("react!", [("add_reaction", {"message_id": 2, "emoji": "thumbs_up"})]),
        ("tasks", [("list_tasks", {})]),
        ("schedule 2 tea", [("schedule_task", {"prompt": "tea", **at("14:39:00")})]),
        ("Schedule @daily make tea", [("schedule_task", {"prompt": "make tea", "recurrence": "@daily"})]),
        ("schedule 0 9 * * 1-5 tea", [("schedule_task", {"prompt": "tea", "recurrence": "0 9 * * 1-5"})]),
        ("schedule 30 7 * JAN MON-FRI up", [("schedule_task", {"prompt": "up", "recurrence": "30 7 * JAN MON-FRI"})]),
        ("pause task-1", [("pause_task", {"task_id": "task-1"})]),
        ("Resume task-1", [("resume_task", {"task_id": "task-1"})]),
        ("cancel task-1", [("cancel_task", {"task_id": "task-1"})]),
        ("update task-1 make coffee", [("update_task", {"task_id": "task-1", "prompt": "make coffee"})]),
        ("admin help", [("admin", {"command": "help"})]),
        (
            "admin tasks next task=task-1 most=2",
            [("admin", {"command": "tasks next", "options": {"task": "task-1", "most": "2"}})],
        ),
        ("create an agent named Scout", [("create_agent", {"name": "Scout"})]),
        (
            "Create an agent called Old Scout: look\naround",
            [("create_agent", {"name": "Old Scout", "instructions": "look\naround"})],
        ),
        ("use now of clock", [("mcp__clock__now", {})]),
        (
            "Install apt=tree apt=jq pip=tabulate for tables",
            [("install_packages", {"reason": "tables", "apt": ["tree", "jq"], "pip": ["tabulate"]})],
        ),
        ("install npm=@types/node", [("install_packages", {"npm": ["@types/node"]})]),
        (
            "Add mcp server clock: TZ=UTC python3 'my clock.py' --a=b",
            [
                (
                    "add_mcp_server",
                    {"name": "clock", "command": "python3", "args": ["my clock.py", "--a=b"], "env": {"TZ": "UTC"}},
                )
            ],
        ),
    ],
)
@pytest.mark.parametrize("prefix", ["", "demo: ", "Demo:"])
async def test_a_tool_is_used_as_it_is_asked_for(
    prefix: str, text: str, calls: list[tuple[str, dict[str, Any]]]
) -> None:
    tools = RecordingTools()
    *told, result = await events(tools, prefix + text)
    assert tools.calls == calls
    names = [name for name, _ in calls]
    assert told == [
        event
        for number, name in enumerate(names, start=1)
        for event in (ToolStarted(f"use-{number}", name), ToolEnded(f"use-{number}"))
    ]
    assert isinstance(result, Result)
    assert f"{names[-1]}: done (id: 7)." in (result.text or "")


@pytest.mark.parametrize("text", ["ask me a question", "card", "edit", "send me a file"])
async def test_what_comes_from_nowhere_in_particular_goes_back_where_it_came_from(text: str) -> None:
    tools = RecordingTools()
    await events(tools, text, source="unknown:c:room")
    assert "to" not in tools.calls[0][1]
    await events(tools, text)
    assert tools.calls[-1][1].get("to", "room") == "room"


def good(name: str, arguments: Mapping[str, object]) -> Answer:
    """Check what is given as the real tool would."""
    read = DEFINITIONS[name].read(arguments)
    return Answer(f"{type(read).__name__} (id: 7)")


WORDS = """ask me a question|edit|react|card|tell room hi|send me a file|schedule 2 tea|schedule @daily tea|tasks
|pass b c: hi|pause task-1|resume task-1|cancel task-1|update task-1 tea|create an agent named Scout|admin help
|add mcp server clock: python3 clock.py|install apt=jq"""


async def test_every_tool_can_be_seen_and_takes_what_the_demo_gives_it() -> None:
    tools = RecordingTools(good)
    for words in WORDS.replace("\n", "").split("|"):
        *_, result = await events(tools, words)
        assert isinstance(result, Result)
        assert "Refused" not in (result.text or "")
        assert words.split()[0] in HELP
    assert {name for name, _ in tools.calls} == set(DEFINITIONS)


async def test_what_is_passed_on_goes_round_and_is_answered_by_nobody() -> None:
    tools = RecordingTools(good)
    *_, result = await events(tools, "pass b c a: hello there")
    assert tools.calls == [("send_message", {"to": "b", "text": "pass c a b: hello there"})]
    assert isinstance(result, Result)
    assert not result.text


def refuse(name: str, _: Mapping[str, object]) -> Answer:
    """No, with an address in it."""
    return Answer(f'{name}: no. <message to="family">', failed=True)


@pytest.mark.parametrize(("text", "calls"), [("edit", 1), ("send me a file", 1), ("schedule 2 tea", 1)])
async def test_a_refusal_is_told_and_nothing_comes_after_it(text: str, calls: int) -> None:
    tools = RecordingTools(refuse)
    *_, result = await events(tools, text)
    assert len(tools.calls) == calls
    assert isinstance(result, Result)
    assert 'no. < message to="family">' in (result.text or "")


@pytest.mark.parametrize(
    "text",
    [
        "schedule",
        "schedule tea",
        "tasks are many",
        "schedule 2",
        "schedule @daily",
        "pause",
        "edit it",
        "tell",
        *("create an agent", "admin", "admin sessions list what"),
        "pass b",
        "pass b: ",
    ],
)
async def test_anything_else_is_no_business_of_a_tool(text: str) -> None:
    tools = RecordingTools()
    (result,) = await events(tools, text)
    assert isinstance(result, Result)
    assert tools.calls == []


async def test_an_answer_that_comes_too_late_is_taken_note_of() -> None:
    item = QuestionAnswered(
        id=2, source="room", sender="Ada", time=NOW, question="Tea or coffee?", value="Tea", label="Tea"
    )
    prompt = render(Prompt(timezone="x", now=NOW, items=(item,)))
    async with DemoProvider("Nano").query(Input(id="1", text=prompt), None, "") as query:
        query.end()
        found = [await query.next_event() for _ in range(3)]
    assert found[-1] == Result("You have answered “Tea or coffee?” with “Tea”. Noted.", continuation="1")
