"""`why` names the hop that failed and what mends it: each fault as the truth has it, with a host and without."""

from __future__ import annotations

import pytest

from nanoclaw.core.why import first_fault, tell
from nanoclaw.core.why_hops import Hop, Mark
from nanoclaw.model.entities import SenderScope
from nanoclaw.model.messages import LedgerState
from nanoclaw.store import ledger, stories
from tests.support import faults as f
from tests.support.central import World, said

BAD, WAITS = Mark.BAD, Mark.WAITS
FAULTS: dict[str, tuple[f.Prepare, Mark, str, str, str]] = {
    "no agent hears the chat": (
        f.not_wired,
        BAD,
        "plan",
        "not-wired",
        "nanoclaw wirings create chat-test-room GROUP",
    ),
    "the chat is denied": (
        f.denied,
        BAD,
        "plan",
        "chat-denied",
        "nanoclaw chats update chat-test-room --no-denied",
    ),
    "nobody was addressed": (f.not_engaged, BAD, "plan", "not-engaged", "address the agent"),
    "the pattern is none": (
        f.bad_pattern,
        BAD,
        "plan",
        "bad-pattern",
        "nano@Room --engage-pattern PATTERN",
    ),
    "the sender is a stranger": (
        f.unknown_sender,
        BAD,
        "plan",
        "unknown-sender",
        "members add test:ada nano",
    ),
    "it is for known people": (f.known_only, BAD, "plan", "sender-scope", "--sender-scope all"),
    "a command of a stranger": (
        f.command_denied,
        BAD,
        "plan",
        "command-denied",
        "roles grant test:ada admin",
    ),
    "a command for nobody": (f.filtered_command, BAD, "plan", "filtered-command", "in other words"),
    "a command to nobody": (f.command_not_addressed, BAD, "plan", "not-engaged", "address the agent"),
    "it is only context": (
        f.only_context,
        BAD,
        "plan",
        "keeps it as context",
        "nanoclaw wirings update nano@Room",
    ),
    "no host runs": (f.nobody_runs, BAD, "turn", "no host runs", "nanoclaw up"),
    "its host died": (f.claimed_by_the_dead, BAD, "turn", "was at it when its host ended", "nanoclaw up"),
    "the session is parked": (f.parked, BAD, "turn", "docker: no such image", "nanoclaw doctor"),
    "no sandbox starts": (f.no_sandbox, BAD, "turn", "has no sandbox: docker: no such image", "nanoclaw doctor"),
    "it is tried again": (f.tried_again_later, WAITS, "turn", "gets it, after 1 tries at 14:38:35 UTC", ""),
    "others are before it": (f.others_before_it, WAITS, "turn", "1 messages to settle before it", ""),
    "the agent is stuck": (f.stuck, BAD, "turn", "is stuck: stuck silent for 31 min", "nanoclaw logs ses-1"),
    "the sandbox is deaf": (f.deaf, BAD, "turn", "does not take it up: stuck deaf", "nanoclaw logs ses-1"),
    "the agent is at work": (f.at_work, WAITS, "turn", "at it for 90.0 s in epoch 1: waiting for a person", ""),
    "a sandbox starts": (f.starting, WAITS, "turn", "about to get it: waiting for a place", ""),
    "it failed": (f.failed, BAD, "turn", "the sandbox ended 5 times", "nanoclaw dead retry"),
    "nothing was said": (f.said_nothing, BAD, "answer", "chose to say nothing", "nanoclaw logs ses-1"),
    "an unknown destination": (
        f.dropped("unknown-destination"),
        BAD,
        "customs",
        "how",
        "destinations add GROUP",
    ),
    "no destination": (f.dropped("no-destination"), BAD, "customs", "how", "nanoclaw destinations list"),
    "a file was refused": (f.dropped("file-refused"), BAD, "customs", "how", "another file"),
    "something unheard of": (f.dropped("something-new"), BAD, "customs", "something-new", "nanoclaw explain"),
    "the outbox is broken": (
        f.dropped("quarantined", "epoch"),
        BAD,
        "customs",
        "quarantined",
        "in a new sandbox",
    ),
    "the answer waits for a host": (
        f.answer_waits_for_a_host,
        BAD,
        "delivery",
        "has not been sent",
        "nanoclaw up",
    ),
    "the host died sending": (
        f.answer_was_being_sent,
        BAD,
        "delivery",
        "being sent when the host ended",
        "nanoclaw up",
    ),
    "the channel is gone": (
        f.answer_without_a_channel,
        BAD,
        "delivery",
        "does not have",
        "set the channel up again",
    ),
    "the lane is held up": (
        f.answer_behind_another,
        WAITS,
        "delivery",
        "waits behind ses-1/1/r1",
        "nanoclaw why ses-1/1/r1",
    ),
    "the platform is down": (f.answer_is_sent_again_later, WAITS, "delivery", "after 1 attempts: test: 503", ""),
    "nobody is there": (f.nobody_there, WAITS, "delivery", "until somebody is there", "open the chat"),
    "it may have arrived": (
        f.settled(LedgerState.UNKNOWN, "reset"),
        BAD,
        "delivery",
        "or not: reset",
        "nanoclaw dead drop",
    ),
    "it was taken and rejected later": (
        f.settled(LedgerState.REJECTED, "no such address"),
        BAD,
        "delivery",
        "rejected later: no such address",
        "nanoclaw dead retry ses-1/1/r1",
    ),
    "it did not arrive": (
        f.settled(LedgerState.DEAD, "kicked"),
        BAD,
        "delivery",
        "kicked",
        "nanoclaw dead retry ses-1/1/r1",
    ),
}


def fault(prepare: f.Prepare) -> tuple[World, Hop | None]:
    """What is wrong with the latest message of a world that was prepared so."""
    world = World()
    running = prepare(world)
    (of,) = stories.latest(world.conn, chat=None, session=None, most=1)
    story = stories.story(world.conn, of, live=running, now=world.now)
    assert story is not None
    return world, first_fault(tell(story))


@pytest.mark.parametrize(("prepare", "mark", "name", "words", "mend"), FAULTS.values(), ids=FAULTS)
def test_the_hop_that_failed_is_named_with_what_mends_it(
    prepare: f.Prepare, mark: Mark, name: str, words: str, mend: str
) -> None:
    _, found = fault(prepare)
    assert found is not None
    assert (found.mark, found.name) == (mark, name)
    assert words in found.words
    assert mend in found.mend
    assert bool(mend) == bool(found.mend)


def test_what_arrived_has_no_fault_and_says_how_long_it_took() -> None:
    world, found = fault(f.settled(LedgerState.DELIVERED))
    assert found is None
    (of,) = stories.find(world.conn, "1")
    story = stories.story(world.conn, of, live=None, now=world.now)
    assert story is not None
    assert [hop.name for hop in tell(story)] == ["arrival", "plan", "turn", "delivery"]
    assert "settled it 2.0 s after it came" in tell(story)[2].words


def test_that_one_agent_did_not_hear_it_is_no_fault_where_another_did() -> None:
    world = World()
    chat = world.chat()
    world.wire(chat, world.agent("one"))
    world.wire(chat, world.agent("two"), scope=SenderScope.KNOWN)
    world.accept(said())
    (of,) = stories.latest(world.conn, chat=chat.id, session=None, most=5)
    story = stories.story(world.conn, of, live=f.live(), now=world.now)
    assert story is not None
    notes = [hop for hop in tell(story) if hop.mark is Mark.NOTE]
    assert ["two: sender-scope" in hop.words for hop in notes] == [True]
    assert first_fault(tell(story)) is not None


def test_a_message_is_found_by_every_id_it_has() -> None:
    world = World()
    session, reply = f.answered(world)
    world.sent(reply)
    ledger.settle(world.conn, reply, LedgerState.DELIVERED, platform_message_id="p-9", now=world.now)
    (event,) = stories.latest(world.conn, chat=None, session=session, most=5)
    row = world.out(reply).in_reply_to
    assert row is not None
    for known in ("1", event.event, row, reply, "p-9"):
        assert known is not None
        assert stories.find(world.conn, known)[0].event == event.event
    assert stories.find(world.conn, "nothing") == ()


def test_what_came_from_no_platform_has_a_story_too() -> None:
    world = World()
    session = world.session()
    row = world.message(session, "task", to=None)
    (of,) = stories.latest(world.conn, chat=None, session=session, most=5)
    assert of.row == row
    story = stories.story(world.conn, of, live=None, now=world.now)
    assert story is not None
    assert tell(story)[0].words == "from another agent, or the host"
    assert stories.story(world.conn, stories.Of(None, None), live=None, now=world.now) is None
