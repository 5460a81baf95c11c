"""The real command line answers: words, sessions, pictures, and what the model is given with them."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import trio

from runner.providers.base import Init, Input, Media, ProviderError, Result, Taken, TextDelta, Trouble, Usage
from runner.providers.claude.options import TOOLS
from tests.runner.providers.claude.desk import INSTRUCTIONS, MODEL, MOST_SECONDS, SEND, Desk, answers, of, rest, until
from tests.support.model_wire import Says, Turn, says

pytestmark = pytest.mark.timeout(MOST_SECONDS)

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


async def test_a_reply_comes_with_its_session_its_pieces_and_what_it_cost(desk: Desk) -> None:
    desk.model.then(Turn(parts=(Says("Good morning to you, and to all in the room."),), read=30, written=7, cached=12))
    events = await desk.ask("hello")
    assert answers(events) == ["Good morning to you, and to all in the room."]
    assert "".join(delta.text for delta in of(TextDelta, events)) == answers(events)[0]
    assert len(of(TextDelta, events)) > 1
    (session,) = {init.continuation for init in of(Init, events)}
    assert desk.model.asked[0].session == session
    (result,) = of(Result, events)
    assert result.usage is not None
    assert result.usage == Usage(read=42, written=7, cached=12, cost_usd=result.usage.cost_usd, model=MODEL)
    assert result.usage.cost_usd is not None
    assert result.usage.cost_usd > 0
    assert of(Taken, events) == [Taken("1")]
    assert events.index(Taken("1")) < events.index(result)


async def test_the_model_is_given_the_instructions_our_tools_and_those_of_the_list_but_none_that_is_denied(
    desk: Desk,
) -> None:
    (desk.folder / "CLAUDE.md").write_text("The house rule is: speak softly.")
    (desk.folder / "CLAUDE.local.md").write_text("The room likes tea.")
    await desk.ask("hello")
    (asked,) = desk.model.asked
    assert [path for path in desk.model.other if not path.startswith("HEAD")] == [], "nothing else is asked"
    assert asked.model == MODEL
    assert INSTRUCTIONS in asked.system
    assert "speak softly" in asked.said
    assert "likes tea" in asked.said
    assert f"mcp__nanoclaw__{SEND.name}" in asked.tools
    assert {"Bash", "Read", "Skill"} <= set(asked.tools)
    assert {tool for tool in asked.tools if not tool.startswith("mcp__")} <= {*TOOLS, "Agent"}
    assert asked.headers["x-api-key"] == "key-of-the-test"


async def test_a_conversation_goes_on_in_the_session_that_it_began_in(desk: Desk) -> None:
    first = await desk.ask("remember: seven")
    (session,) = {init.continuation for init in of(Init, first)}
    second = await desk.ask("what was it?", session)
    assert {init.continuation for init in of(Init, second)} == {session}
    assert [asked.session for asked in desk.model.asked] == [session, session]
    assert "remember: seven" in desk.model.asked[1].said
    assert desk.model.asked[1].last.endswith("what was it?")


@pytest.mark.parametrize("unknown", ["11111111-2222-4333-8444-555555555555", "1"])
async def test_a_session_that_nobody_knows_is_told_as_such_and_asks_the_model_nothing(desk: Desk, unknown: str) -> None:
    events = await desk.ask("hello", unknown)
    (error,) = of(ProviderError, events)
    assert error.trouble is Trouble.UNKNOWN_SESSION
    assert events[-1] is error
    assert desk.model.asked == []


async def test_a_picture_is_seen_by_the_model_itself(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "dot.png"
    path.write_bytes(PNG)
    given = Input(id="1", text="what is this?", media=(Media(path=str(path), mime_type="image/png"),))
    async with desk.provider().query(given, None, INSTRUCTIONS) as query:
        query.end()
        assert of(Taken, await rest(query)) == [Taken("1")]
    (image,) = desk.model.asked[0].blocks("image")
    source = image["source"]
    assert isinstance(source, dict)
    assert source["media_type"] == "image/png"
    assert base64.b64decode(str(source["data"])).startswith(b"\x89PNG")
    assert "what is this?" in desk.model.asked[0].last


async def test_where_there_is_a_gateway_the_model_is_asked_through_it_and_not_where_it_is(
    desk: Desk, tmp_path: Path
) -> None:
    socket = tmp_path / "gateway.sock"
    desk.gateway = str(socket)
    listening = trio.socket.socket(trio.socket.AF_UNIX)
    await listening.bind(str(socket))
    listening.listen()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, desk.model.serve, [trio.SocketListener(listening)])
        events = await desk.ask("hello")
        nursery.cancel_scope.cancel()
    assert len(answers(events)) == 1
    assert desk.model.asked[0].headers["host"] != desk.model.url.removeprefix("http://")


async def test_what_the_turn_raises_comes_out_as_it_is(desk: Desk) -> None:
    with pytest.raises(ZeroDivisionError):
        async with desk.query("hello"):
            raise ZeroDivisionError


async def test_what_a_person_writes_has_no_file_read_into_the_prompt(desk: Desk) -> None:
    (desk.folder / "secret.txt").write_text("the word is swordfish")
    await desk.ask('<message from="room">look at @secret.txt and @/etc/hostname</message>')
    assert "swordfish" not in desk.model.asked[0].said


async def test_one_exchange_has_many_turns_and_each_is_counted_by_itself(desk: Desk) -> None:
    desk.model.then(says("one"), says("two"))
    async with desk.query("first") as query:
        one, before = await until(query, Result)
        first = [*before, one]
        query.push(Input(id="2", text="second"))
        query.end()
        second = await rest(query)
    assert answers([*first, *second]) == ["one", "two"]
    assert of(Taken, first) == [Taken("1")]
    assert of(Taken, second) == [Taken("2")]
    (a,), (b,) = of(Result, first), of(Result, second)
    assert a.usage is not None
    assert b.usage is not None
    assert (a.usage.written, b.usage.written) == (10, 10)
    assert a.usage.cost_usd == pytest.approx(b.usage.cost_usd)
