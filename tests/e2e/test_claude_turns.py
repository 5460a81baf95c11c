"""Turns with the model's real command line through the whole host: tools, follow-ups, two rooms at once, forgetting.

One house serves all of them, so each begins where another may have ended: with a conversation and a warm sandbox.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.claude_house import ENGINES, GARDEN, KITCHEN, House, claude_house, runs, to, until, waits_for
from tests.support.model_api import Asked
from tests.support.model_wire import Gate, Says, Turn, Uses, says, uses

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module", params=ENGINES)
def shared(request: pytest.FixtureRequest) -> Iterator[House]:
    """One house an engine."""
    with claude_house(request.param) as house:
        yield house


@pytest.fixture
def house(shared: House) -> Iterator[House]:
    """The house, in which nothing is under way, neither before nor after."""
    yield shared
    shared.await_calm()


def test_a_shell_runs_in_the_sandbox_and_shows_while_it_does(house: House) -> None:
    command = waits_for("shell", "echo it is $((6 * 7))")
    house.model.then(uses("Bash", command=command, timeout=90_000), says(to(KITCHEN, "It is 42.")))
    message = house.say("how much is it?")
    house.await_doing("tool Bash (says it needs 90 s)")
    assert house.doing().startswith("working")
    before = house.heartbeat()
    (house.folder / "shell").touch()
    assert house.answers(message) == ["It is 42."]
    assert "how much is it?" in house.model.asked[0].said
    assert "it is 42" in house.model.asked[1].last
    assert house.row(message)["status"] == "completed"
    assert house.heartbeat() > before
    house.await_doing("idle")


def test_what_is_said_while_a_tool_runs_joins_the_turn(house: House) -> None:
    command = waits_for("joined", "echo there")
    house.model.then(uses("Bash", command=command), says(to(KITCHEN, "Both done.")))
    first = house.say("begin with this")
    house.await_doing("tool Bash")
    second = house.say("and add the word juniper")
    house.await_written("and add the word juniper")
    assert len(house.model.asked) == 1
    (house.folder / "joined").touch()
    assert house.answers(second) == ["Both done."]
    assert house.answers(first, 0) == []
    assert "juniper" in house.model.asked[1].last
    assert len(house.model.asked) == 2
    rows = [house.row(message) for message in (first, second)]
    assert [row["status"] for row in rows] == ["completed"] * 2
    assert len({row["settled_at"] for row in rows}) == 1, "one result settles both"


def test_what_is_said_while_the_model_speaks_is_the_next_turn(house: House) -> None:
    gate = Gate()
    begun = Turn(parts=(Says("Let me think."), gate, Says(to(KITCHEN, "The first."))))
    house.model.then(begun, says(to(KITCHEN, "The second.")))
    first = house.say("the first")
    house.await_asked(1)
    second = house.say("the second")
    house.await_claim(second)
    assert house.row(first)["settled_at"] is None
    house.model.open(gate)
    assert house.answers(first) == ["The first."]
    assert house.answers(second) == ["The second."]
    assert "the second" in house.model.asked[1].last
    assert house.row(first)["settled_at"] < house.row(second)["settled_at"]


def test_two_conversations_of_one_agent_go_on_at_once(house: House) -> None:
    gate = Gate()

    def answer(asked: Asked) -> Turn:
        # Not by the last message alone: the command line may have put something of its own behind it.
        room = KITCHEN if f"hello from the {KITCHEN}" in asked.said else GARDEN
        return Turn(parts=(gate, Says(to(room, f"Here is the {room}."))))

    house.model.rule = answer
    messages = {room: house.say(f"hello from the {room}", room) for room in (KITCHEN, GARDEN)}
    house.await_asked(2)
    for room in messages:
        assert house.doing(room).startswith("working")
    house.model.open(gate)
    for room, message in messages.items():
        assert house.answers(message) == [f"Here is the {room}."]
    assert len({asked.session for asked in house.model.asked}) == 2
    assert [("hello from the kitchen" in a.said, "hello from the garden" in a.said) for a in house.model.asked] in (
        [(True, False), (False, True)],
        [(False, True), (True, False)],
    )


def test_what_is_to_be_forgotten_is(house: House) -> None:
    house.model.then(says(to(KITCHEN, "I shall keep it.")), says(to(KITCHEN, "What word?")))
    house.answers(house.say("the word is medlar"))
    assert ["I have forgotten our conversation" in text for text in house.answers(house.say("/clear"))] == [True]
    assert len(house.model.asked) == 1, "it is not the model's affair"
    assert house.answers(house.say("what was the word?")) == ["What word?"]
    first, second = house.model.asked
    assert first.session != second.session
    assert "medlar" in first.said
    assert "medlar" not in second.said


def test_a_conversation_that_the_model_does_not_know_any_more_goes_on_anew_and_only_the_agent_is_told(
    house: House,
) -> None:
    house.model.then(says(to(KITCHEN, "Noted.")), says(to(KITCHEN, "Good evening.")))
    house.answers(house.say("good morning"))
    lives = house.epochs()
    assert house.host.cli("groups", "restart", "nano").returncode == 0
    until(lambda: house.epochs()[len(lives) - 1][1] == "stopped")
    for path in house.transcripts():
        path.unlink()
    message = house.say("good evening")
    assert house.answers(message) == ["Good evening."]
    assert house.row(message)["status"] == "completed"
    first, second = house.model.asked
    assert first.session != second.session
    assert "your earlier conversation could not be opened again" in second.said
    assert not [post for post in house.platform.posts if "could not be opened" in post.text]


def test_a_tool_that_makes_no_sense_in_a_chat_does_not_run(house: House) -> None:
    house.model.then(uses("CronCreate", cron="* * * * *", prompt="hello"), says(to(KITCHEN, "Then not.")))
    assert house.answers(house.say("each minute, please")) == ["Then not."]
    (refused,) = house.model.asked[1].blocks("tool_result")
    assert refused["is_error"] is True
    assert "CronCreate" in house.model.asked[1].last


def test_what_the_agent_says_by_a_tool_is_there_before_its_turn_is_over(house: House) -> None:
    gate = Gate()
    speaks = uses("mcp__nanoclaw__send_message", text="On my way.", to=KITCHEN)
    house.model.then(speaks, Turn(parts=(gate, Says(to(KITCHEN, "I am here.")))))
    message = house.say("come here")
    house.await_asked(2)
    house.await_posted("On my way.")
    assert house.row(message)["settled_at"] is None
    house.model.open(gate)
    assert house.answers(message, 2) == ["On my way.", "I am here."]
    (result,) = house.model.asked[1].blocks("tool_result")
    assert not result.get("is_error"), result


def test_a_server_of_the_group_runs_in_the_sandbox_with_what_it_was_given(house: House) -> None:
    house.model.then(uses("mcp__weather__weather"), says(to(KITCHEN, "Take a coat.")))
    assert house.answers(house.say("what is the weather?")) == ["Take a coat."]
    assert "mcp__weather__weather" in house.model.asked[0].tools
    assert "It rains in Bergen." in house.model.asked[1].last


def test_a_host_that_stops_in_the_middle_of_a_tool_leaves_no_process_and_the_next_answers_once(house: House) -> None:
    two = [Uses("Bash", {"command": f"touch {name}; tail -f /dev/null"}) for name in ("left", "right")]
    house.model.then(Turn(parts=two), says(to(KITCHEN, "I was away.")))
    message = house.say("do something long")
    until(lambda: (house.folder / "left").exists() or (house.folder / "right").exists())
    pids = house.processes()
    assert len(pids) > 2
    life, ending = house.epochs()[-1]
    assert ending is None
    code, said = house.host.stop()
    assert code == 0, said
    assert [pid for pid in pids if runs(pid)] == []
    assert house.epochs()[-1] == (life, "stopped")
    assert house.row(message)["settled_at"] is None
    assert house.row(message)["tries"] == 0, "it cost the message nothing"
    house.host.start()
    assert house.answers(message) == ["I was away."]
    assert house.model.asked[0].session == house.model.asked[-1].session
    assert house.epochs()[-1] == (life + 1, None)
