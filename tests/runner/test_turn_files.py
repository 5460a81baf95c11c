"""What becomes of files that are to go."""

from __future__ import annotations

from pathlib import Path

from trio.testing import MockClock

from runner.providers.base import ProviderError, Result, SendFile, Trouble
from schema.payloads import ChatOut, read_out
from schema.rows import OutKind
from tests.runner.link import chat
from tests.runner.scene import Scene


def sent(scene: Scene) -> list[ChatOut]:
    """What the runner says, with its files."""
    found = [read_out(OutKind.CHAT, str(row["content"])) for row in scene.link.messages()]
    return [payload for payload in found if isinstance(payload, ChatOut)]


def a_file(scene: Scene, text: str = "bytes") -> Path:
    path = scene.link.folder / "made"
    path.write_text(text)
    return path


async def test_a_file_is_a_message_of_its_own_in_the_order_of_the_turn(scene: Scene, autojump_clock: MockClock) -> None:
    path = a_file(scene)
    scene.link.say(chat("send"))
    async with scene.scripted([SendFile(path=str(path), name="a.txt", text="here"), Result("done")]):
        await scene.settled()
    assert sent(scene) == [ChatOut(text="here", files=("a.txt",)), ChatOut(text="done")]
    (first, _) = scene.link.messages()
    assert (scene.link.out / "outbox" / str(first["id"]) / "a.txt").read_text() == "bytes"


async def test_a_file_may_go_to_any_destination_there_is_and_to_no_other(
    scene: Scene, autojump_clock: MockClock
) -> None:
    path = str(a_file(scene))
    scene.link.say(chat("send"))
    async with scene.scripted(
        [SendFile(path=path, name="a", to="room"), SendFile(path=path, name="b", to="nowhere"), Result(None)]
    ):
        await scene.settled()
    assert [row["destination"] for row in scene.link.messages()] == ["room"]
    assert scene.told() == ["b was not sent: there is no destination nowhere"]


async def test_a_file_that_is_not_there_is_said_to_the_model(scene: Scene, autojump_clock: MockClock) -> None:
    scene.link.say(chat("send"))
    async with scene.scripted([SendFile(path="/no/such/file", name="a"), Result("done")]):
        await scene.settled()
    (told,) = scene.told()
    assert told.startswith("a was not sent: ")
    assert sent(scene) == [ChatOut(text="done")]


async def test_a_turn_that_fails_sends_no_file_and_the_next_one_forgets_it(
    scene: Scene, autojump_clock: MockClock
) -> None:
    path = str(a_file(scene))
    never = ProviderError(message="no", retryable=False, trouble=Trouble.REFUSED)
    scene.link.say(chat("send"))
    async with scene.scripted([SendFile(path=path, name="a"), never], [Result("done")]):
        await scene.settled()
        assert sent(scene) == []
        scene.link.say(chat("again"))
        await scene.until(lambda: sent(scene) == [ChatOut(text="done")])
        assert not (scene.link.out / "outbox" / ".staged").exists()
