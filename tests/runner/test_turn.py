"""One turn, from claim to settlement."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, timedelta

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock

from runner.core.pauses import FIRST, LONGEST, MOST_TRIES
from runner.core.prompt import Message, SystemResponse, parse
from runner.inbox import Inbox
from runner.model import Incoming, Zone
from runner.outbox import Outbox
from runner.providers.base import (
    Activity,
    Compacted,
    Init,
    Provider,
    ProviderError,
    Result,
    TextDelta,
    ToolEnded,
    ToolStarted,
    Trouble,
    Usage,
)
from runner.providers.demo import DemoProvider
from runner.turn import Turns, saved_continuation
from schema.payloads import read_in
from schema.rows import MessageIn
from schema.sqlite import SqliteError
from schema.times import write_time
from tests.runner.link import NOW, Link, chat
from tests.runner.scripted import ScriptedProvider, Step


@define(eq=False)
class Scene:
    """A runner that can take turns, and what it does in them."""

    link: Link
    inbox: Inbox
    outbox: Outbox
    provider: ScriptedProvider = field(init=False)
    beats: int = field(default=0, init=False)

    def turns(self, *scripts: Sequence[Step], continuation: str | None = None) -> Turns:
        """Turns with a provider that goes through *scripts*, one for each time it is asked."""
        self.provider = ScriptedProvider(list(scripts))
        return self.turns_of(self.provider, continuation)

    def turns_of(self, provider: Provider, continuation: str | None = None) -> Turns:
        """Turns with that provider."""
        zone = Zone(name="UTC", rules=UTC)
        return Turns(provider, self.inbox, self.outbox, zone, lambda: NOW, self.beat, continuation)

    def beat(self) -> None:
        """Count it."""
        self.beats += 1

    def pushed(self) -> list[str]:
        """What the runner told the agent in the last query."""
        items = [item for text in self.provider.queries[-1].pushed for item in parse(text).items]
        return [item.text for item in items if isinstance(item, SystemResponse)]


@pytest.fixture
def scene(link: Link, inbox: Inbox, outbox: Outbox) -> Scene:
    """A scene with one destination, "room"."""
    return Scene(link, inbox, outbox)


def batch(*rows: MessageIn) -> list[Incoming]:
    return [Incoming(row=row, payload=read_in(row.kind, row.content)) for row in rows]


async def test_a_turn_is_claimed_asked_and_settled(scene: Scene) -> None:
    seen: list[dict[str, str]] = []
    turns = scene.turns([Init("s1"), lambda: seen.append(scene.link.acks()), Result("hello back", Usage(1, 2))])
    await turns.take(batch(scene.link.say(chat("hello")), scene.link.say(chat("there"), trigger=False)))
    assert seen == [{"m2": "processing", "m4": "processing"}]
    assert scene.link.acks() == {"m2": "completed", "m4": "completed"}
    assert scene.link.texts() == ["hello back"]
    (message,) = scene.link.messages()
    assert (message["seq"], message["destination"], message["in_reply_to"]) == (5, None, "m2")
    assert scene.link.saved() == {"continuation:scripted": "s1"}
    assert scene.link.state()["phase"] == "idle"
    ((prompt, continuation),) = scene.provider.asked
    assert continuation is None
    assert [item.text for item in parse(prompt).items if isinstance(item, Message)] == ["hello", "there"]
    assert scene.provider.queries[0].ended
    assert scene.provider.left == 1


async def test_the_next_turn_goes_on_in_the_session_of_the_last(scene: Scene) -> None:
    turns = scene.turns([Init("s1"), Result(None)], [Init("s2\ud800"), Result(None)], [Result(None)], continuation="s0")
    for number in range(3):
        await turns.take(batch(scene.link.say(chat(str(number)))))
    assert [continuation for _, continuation in scene.provider.asked] == ["s0", "s1", "s2\ufffd"]
    assert scene.link.saved() == {"continuation:scripted": "s2\ufffd"}


async def test_every_event_is_a_sign_of_life_and_tools_are_shown(scene: Scene) -> None:
    shown: list[tuple[object, object, object]] = []

    def look() -> None:
        state = scene.link.state()
        shown.append((state["current_tool"], state["tool_declared_timeout_ms"], state["tool_started_at"]))

    events: list[Step] = [
        Activity(),
        TextDelta("h"),
        Compacted(),
        ToolStarted("1", "Bash", timedelta(seconds=90)),
        look,
    ]
    turns = scene.turns([*events, ToolEnded("1"), look, Result("done")])
    await turns.take(batch(scene.link.say(chat("hello"))))
    assert scene.beats == 6
    assert shown == [("Bash", 90_000, write_time(NOW)), (None, None, None)]


async def test_all_results_of_a_turn_are_settled_together(scene: Scene) -> None:
    turns = scene.turns([Result("one"), lambda: check(scene), Result("two")])
    await turns.take(batch(scene.link.say(chat("hello"))))
    assert scene.link.texts() == ["one", "two"]


def check(scene: Scene) -> None:
    assert scene.link.messages() == []


async def test_replies_answer_the_newest_message_that_asked(scene: Scene) -> None:
    turns = scene.turns([Result("hi")])
    rows = [scene.link.say(chat("a")), scene.link.say(chat("b")), scene.link.say(chat("c"), trigger=False)]
    await turns.take(batch(*rows))
    assert [row["in_reply_to"] for row in scene.link.messages()] == ["m4"]


async def test_an_agent_that_does_not_say_to_whom_is_told_once(scene: Scene) -> None:
    scene.link.set_destinations("room", "family")
    turns = scene.turns([Result("hello"), Result('<message to="family">hello</message>')])
    await turns.take(batch(scene.link.say(chat("hello"))))
    assert len(scene.pushed()) == 1
    assert "family, room" in scene.pushed()[0]
    assert [(row["destination"], scene.link.text(row)) for row in scene.link.messages()] == [("family", "hello")]


async def test_an_agent_that_does_not_learn_is_not_told_again(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    scene.link.set_destinations("room", "family")
    turns = scene.turns([Result("hello"), Result("hello?")])
    await turns.take(batch(scene.link.say(chat("hello"))))
    assert len(scene.pushed()) == 1
    assert scene.provider.queries[0].ended
    assert scene.link.messages() == []
    assert scene.link.acks() == {"m2": "completed"}
    assert "lost_words" in capsys.readouterr().err


async def test_rights_count_as_they_are_when_the_result_comes(scene: Scene) -> None:
    more = Result('<message to="family">x</message>')
    turns = scene.turns([lambda: scene.link.set_destinations("room", "family"), more])
    await turns.take(batch(scene.link.say(chat("hello"))))
    assert scene.link.texts() == ["x"]


async def test_an_error_fails_the_batch_and_says_nothing_of_the_half_that_was_done(scene: Scene) -> None:
    turns = scene.turns(
        [Init("s1"), Result("half"), ProviderError(message="no more", retryable=False, trouble=Trouble.REFUSED)]
    )
    await turns.take(batch(scene.link.say(chat("a")), scene.link.say(chat("b"))))
    assert scene.link.messages() == []
    assert scene.link.errors() == {"m2": "no more", "m4": "no more"}
    assert set(scene.link.acks().values()) == {"failed"}
    assert scene.link.saved() == {"continuation:scripted": "s1"}


async def test_a_provider_that_breaks_costs_one_turn(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    turns = scene.turns([ZeroDivisionError("oops")], [Result("fine")])
    await turns.take(batch(scene.link.say(chat("a"))))
    assert scene.link.errors() == {"m2": "ZeroDivisionError: oops"}
    assert "provider_broke" in capsys.readouterr().err
    await turns.take(batch(scene.link.say(chat("b"))))
    assert scene.link.texts() == ["fine"]


async def test_a_provider_that_ends_without_a_result_has_failed(scene: Scene) -> None:
    turns = scene.turns([Activity()])
    await turns.take(batch(scene.link.say(chat("a"))))
    assert scene.link.errors() == {"m2": "the provider ended without a result"}


async def test_a_broken_disk_is_nobodys_turn(scene: Scene) -> None:
    turns = scene.turns([SqliteError("disk")])
    with pytest.raises(SqliteError):
        await turns.take(batch(scene.link.say(chat("a"))))
    assert scene.link.acks() == {"m2": "processing"}


BUSY = ProviderError(message="try later", retryable=True, trouble=Trouble.RATE_LIMIT)


async def test_a_passing_error_is_waited_out_by_name(scene: Scene, autojump_clock: MockClock) -> None:
    phases: list[object] = []
    turns = scene.turns([BUSY], [lambda: phases.append(scene.link.state()["phase"]), BUSY], [Result("at last")])
    start = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(turns.take, batch(scene.link.say(chat("a"))))
        await trio.sleep(FIRST / 2)
        assert scene.link.state()["phase"] == "waiting_rate_limit"
    assert trio.current_time() - start == FIRST + 2 * FIRST
    assert phases == ["turn"]
    assert scene.link.texts() == ["at last"]


async def test_an_error_that_does_not_pass_fails_after_the_last_try(scene: Scene, autojump_clock: MockClock) -> None:
    broken = ProviderError(message="try later", retryable=True, trouble=Trouble.OVERLOADED)
    turns = scene.turns(*[[broken]] * (MOST_TRIES + 1))
    start = trio.current_time()
    await turns.take(batch(scene.link.say(chat("a"))))
    assert trio.current_time() - start == 31
    assert scene.link.errors() == {"m2": "try later"}


async def test_twenty_minutes_of_a_rate_limit_are_waited_out(scene: Scene, autojump_clock: MockClock) -> None:
    end = trio.current_time() + 20 * 60
    turns = scene.turns_of(DemoProvider("Nano"))
    await turns.take(batch(scene.link.say(chat("limited 1200"))))
    assert end <= trio.current_time() <= end + LONGEST
    assert scene.link.texts() == ["I was refused for 1200 s."]


async def test_a_turn_that_is_cancelled_leaves_its_claim(scene: Scene, autojump_clock: MockClock) -> None:
    turns = scene.turns([Result("half"), None])
    with trio.move_on_after(5):
        await turns.take(batch(scene.link.say(chat("a"))))
    assert scene.link.acks() == {"m2": "processing"}
    assert scene.link.messages() == []
    assert scene.provider.left == 1


async def test_the_next_claim_clears_away_what_the_host_is_done_with(scene: Scene) -> None:
    turns = scene.turns(*([[Result("x")]] * 3))
    for _ in range(2):
        await turns.take(batch(scene.link.say(chat("a"))))
    scene.link.settle(["m2", "m4"])
    scene.link.deliver("out-3", 3)
    await turns.take_stock()
    await turns.take(batch(scene.link.say(chat("b"))))
    assert scene.link.acks() == {"m6": "completed"}
    assert [row["id"] for row in scene.link.messages()] == ["out-5", "out-7"]


async def test_what_cannot_be_read_fails_without_a_turn(scene: Scene) -> None:
    turns = scene.turns()
    scene.link.say("{}")
    await turns.refuse({"m2": "cannot be read: x"})
    assert scene.link.errors() == {"m2": "cannot be read: x"}
    assert scene.provider.asked == []


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (json.dumps({"continuation:demo": "3", "continuation:claude": "x"}), "3"),
        ("{}", None),
        ('{"continuation:demo": 3}', None),
        ("[]", None),
        ("{", None),
    ],
)
def test_the_saved_session_is_that_of_the_provider(state: str, expected: str | None) -> None:
    assert saved_continuation(state, "demo") == expected
