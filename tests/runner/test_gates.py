"""A task with a script: run before its agent is asked, and the agent is asked only if the script says so."""

from __future__ import annotations

from datetime import UTC

import trio

from runner.core.prompt import Message, TaskDue, parse
from runner.inbox import Inbox
from runner.model import Zone
from runner.outbox import Outbox
from runner.poll import Poll
from runner.providers.base import AskHost, Result
from runner.turn import Turns
from runner.watch import InboxWatch
from schema import payloads
from schema.payloads import SystemOut, Task
from schema.rows import InKind, OutKind
from tests.runner.link import NOW, Link, chat
from tests.runner.scripted import ScriptedProvider, Step

YES = """echo '{"wakeAgent": true, "data": {"new": 3}}'"""
NO = """echo '{"wakeAgent": false}'"""


async def settled(link: Link, inbox: Inbox, outbox: Outbox, *, messages: int, steps: list[Step]) -> ScriptedProvider:
    """Poll until so many messages are settled; the provider, with what it was asked."""
    provider = ScriptedProvider([steps])
    watch = InboxWatch.open(link.inside, inbox.version)
    turns = Turns(provider, inbox, outbox, Zone(name="UTC", rules=UTC), lambda: NOW, lambda: None, None)
    poll = Poll(inbox, outbox, watch, turns, lambda: NOW, lambda: None, 10)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(poll.run)
        # A real process runs meanwhile: no event of ours says when it is over.
        for _ in range(1_500):
            if len([status for status in link.acks().values() if status != "processing"]) == messages:
                break
            await trio.sleep(0.02)
        nursery.cancel_scope.cancel()
    watch.close()
    return provider


async def test_what_a_script_found_out_is_told_to_the_agent(link: Link, inbox: Inbox, outbox: Outbox) -> None:
    link.say(Task(prompt="look", script=YES), kind=InKind.TASK)
    provider = await settled(link, inbox, outbox, messages=1, steps=[Result("ok")])
    ((prompt, _),) = provider.asked
    (item,) = parse(prompt).items
    assert isinstance(item, TaskDue)
    assert (item.prompt, item.data) == ("look", '{"new": 3}')
    assert link.acks() == {"m2": "completed"}


async def test_a_script_that_says_no_settles_its_task_and_asks_nobody(link: Link, inbox: Inbox, outbox: Outbox) -> None:
    link.say(chat("overheard"), trigger=False)
    link.say(Task(prompt="look", script=NO), kind=InKind.TASK)
    provider = await settled(link, inbox, outbox, messages=1, steps=[])
    assert provider.asked == []
    # The context waits for somebody who asks.
    assert link.acks() == {"m4": "completed"}
    assert link.errors() == {"m4": "its script said that nothing is to be done"}


async def test_a_script_that_fails_fails_its_task_and_no_other(link: Link, inbox: Inbox, outbox: Outbox) -> None:
    link.say(Task(prompt="look", script="exit 7"), kind=InKind.TASK)
    link.say(chat("hello"))
    provider = await settled(link, inbox, outbox, messages=2, steps=[Result("ok")])
    ((prompt, _),) = provider.asked
    assert [type(item) for item in parse(prompt).items] == [Message]
    assert link.acks() == {"m2": "failed", "m4": "completed"}
    assert link.errors() == {"m2": "its script ended with 7", "m4": None}


async def test_what_is_asked_of_the_host_goes_out_with_the_replies(link: Link, inbox: Inbox, outbox: Outbox) -> None:
    link.say(chat("remind me"))
    steps: list[Step] = [AskHost("schedule_task", '{"prompt": "x"}'), Result("I will")]
    await settled(link, inbox, outbox, messages=1, steps=steps)
    asked, reply = link.messages()
    assert (asked["kind"], asked["in_reply_to"], asked["seq"]) == ("system", "m2", 3)
    said = payloads.read_out(OutKind.SYSTEM, str(asked["content"]))
    assert said == SystemOut(action="schedule_task", arguments='{"prompt": "x"}')
    assert (reply["kind"], reply["seq"]) == ("chat", 5)
