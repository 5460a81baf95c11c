"""Files in a turn: where those are that came, and what becomes of those that are to go."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path

from trio.testing import MockClock

from runner.core.prompt import Message, parse
from runner.model import Zone
from runner.providers.base import ProviderError, Result, SendFile, Trouble
from runner.turn import Turns
from schema.payloads import Attachment, ChatIn, ChatOut, read_out
from schema.rows import OutKind
from tests.runner.link import NOW, chat
from tests.runner.scripted import ScriptedProvider
from tests.runner.test_turn import Scene, batch
from tests.runner.test_turn import scene as scene  # noqa: PLC0414 - a fixture, under its own name


def sent(scene: Scene) -> list[ChatOut]:
    """What the runner says, with its files."""
    found = [read_out(OutKind.CHAT, str(row["content"])) for row in scene.link.messages()]
    return [payload for payload in found if isinstance(payload, ChatOut)]


def a_file(scene: Scene, text: str = "bytes") -> Path:
    path = scene.link.folder / "made"
    path.write_text(text)
    return path


async def test_the_prompt_says_where_the_files_of_a_message_lie(scene: Scene) -> None:
    scene.provider = ScriptedProvider([[Result(None)]])
    zone = Zone(name="UTC", rules=UTC)
    turns = Turns(
        scene.provider, scene.inbox, scene.outbox, zone, lambda: NOW, scene.beat, None, files="/somewhere/inbox"
    )
    came = Attachment(name="a <b>.txt", path="evt-1/a <b>.txt", mime_type="text/plain", size=5)
    said = ChatIn(text="look", sender="Ada", sender_id="c:1", attachments=(came,))
    await turns.take(batch(scene.link.say(said)))
    ((prompt, _),) = scene.provider.asked
    (item,) = parse(prompt).items
    assert isinstance(item, Message)
    assert [file.path for file in item.attachments] == ["/somewhere/inbox/evt-1/a <b>.txt"]
    assert '<attachment name="a &lt;b&gt;.txt" path="/somewhere/inbox/evt-1/a &lt;b&gt;.txt"' in prompt


async def test_a_file_is_a_message_of_its_own_in_the_order_of_the_turn(scene: Scene) -> None:
    path = a_file(scene)
    turns = scene.turns([SendFile(path=str(path), name="a.txt", text="here"), Result("done")])
    await turns.take(batch(scene.link.say(chat("send"))))
    assert sent(scene) == [ChatOut(text="here", files=("a.txt",)), ChatOut(text="done")]
    (first, _) = scene.link.messages()
    assert (scene.link.out / "outbox" / str(first["id"]) / "a.txt").read_text() == "bytes"


async def test_a_file_may_go_to_any_destination_there_is_and_to_no_other(scene: Scene) -> None:
    path = str(a_file(scene))
    turns = scene.turns(
        [SendFile(path=path, name="a", to="room"), SendFile(path=path, name="b", to="nowhere"), Result(None)]
    )
    await turns.take(batch(scene.link.say(chat("send"))))
    assert [row["destination"] for row in scene.link.messages()] == ["room"]
    assert scene.pushed() == ["b was not sent: there is no destination nowhere"]


async def test_a_file_that_is_not_there_is_said_to_the_model(scene: Scene) -> None:
    turns = scene.turns([SendFile(path="/no/such/file", name="a"), Result("done")])
    await turns.take(batch(scene.link.say(chat("send"))))
    (told,) = scene.pushed()
    assert told.startswith("a was not sent: ")
    assert sent(scene) == [ChatOut(text="done")]


async def test_a_turn_that_fails_sends_no_file_and_the_next_one_forgets_it(
    autojump_clock: MockClock, scene: Scene
) -> None:
    path = str(a_file(scene))
    turns = scene.turns(
        [SendFile(path=path, name="a"), ProviderError(message="no", retryable=False, trouble=Trouble.REFUSED)],
        [Result("done")],
    )
    await turns.take(batch(scene.link.say(chat("send"))))
    assert sent(scene) == []
    await turns.take(batch(scene.link.say(chat("again"))))
    assert not (scene.link.out / "outbox" / ".staged").exists()
    assert sent(scene) == [ChatOut(text="done")]
