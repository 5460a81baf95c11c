"""A task with a script: run before its agent is asked, and the agent is asked only if the script says so."""

from __future__ import annotations

from runner.core.prompt import Message, TaskDue, parse
from runner.providers.base import Result
from schema.payloads import Task
from schema.rows import InKind
from tests.runner.link import Link, chat
from tests.runner.scene import Scene
from tests.runner.scripted import ScriptedProvider, Step

YES = """echo '{"wakeAgent": true, "data": {"new": 3}}'"""
NO = """echo '{"wakeAgent": false}'"""


async def settled(scene: Scene, *, messages: int, steps: list[Step]) -> ScriptedProvider:
    """Run until so many messages are settled; the provider, with what it was asked."""
    async with scene.scripted(steps):
        # A real process runs meanwhile: no event of ours says when it is over.
        done = ("completed", "failed")
        await scene.until(lambda: len([one for one in scene.link.acks().values() if one in done]) == messages)
    return scene.provider


async def test_what_a_script_found_out_is_told_to_the_agent(link: Link, scene: Scene) -> None:
    link.say(Task(prompt="look", script=YES), kind=InKind.TASK)
    provider = await settled(scene, messages=1, steps=[Result("ok")])
    ((prompt, _),) = provider.asked
    (item,) = parse(prompt).items
    assert isinstance(item, TaskDue)
    assert (item.prompt, item.data) == ("look", '{"new": 3}')
    assert link.acks() == {"m2": "completed"}


async def test_a_script_that_says_no_settles_its_task_and_asks_nobody(link: Link, scene: Scene) -> None:
    link.say(chat("overheard"), trigger=False)
    link.say(Task(prompt="look", script=NO), kind=InKind.TASK)
    provider = await settled(scene, messages=1, steps=[])
    assert provider.asked == []
    # The context waits for somebody who asks.
    assert link.acks() == {"m4": "completed"}
    assert link.errors() == {"m4": "its script said that nothing is to be done"}


async def test_a_script_that_fails_fails_its_task_and_no_other(link: Link, scene: Scene) -> None:
    link.say(Task(prompt="look", script="exit 7"), kind=InKind.TASK)
    link.say(chat("hello"))
    provider = await settled(scene, messages=2, steps=[Result("ok")])
    ((prompt, _),) = provider.asked
    assert [type(item) for item in parse(prompt).items] == [Message]
    assert link.acks() == {"m2": "failed", "m4": "completed"}
    assert link.errors() == {"m2": "its script ended with 7", "m4": None}
