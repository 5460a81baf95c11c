"""A chat answers a question: in one line or in a conversation, it gets what follows from its answer."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio
from attrs import evolve

from nanoclaw.channels.terminal.frames import (
    FromClient,
    FromHost,
    Kept,
    Over,
    Say,
    Seen,
    Show,
    Welcome,
    read_client,
    write_host,
)
from nanoclaw.cli import exits
from nanoclaw.cli.chat import one_shot
from nanoclaw.kit.lines import LineStream

ASKED = Show(
    key="k1",
    text="Now?",
    speaker="Nano",
    answers=None,
    more=False,
    title="Cake",
    question="q1",
    options=("Yes", "No"),
)


def answers(said: Say) -> list[FromHost]:
    """What a host says to each thing that is said."""
    if said.text == "ask me":
        return [Kept(id=said.id), evolve(ASKED, answers=said.id)]
    if said.text == "be silent":
        return [Kept(id=said.id), Over(id="another"), Over(id=said.id)]
    follows = Show(key="k2", text="Cake it is", speaker="Nano", answers="first", more=True)
    return [Kept(id=said.id, answers_for="first"), Over(id=said.id), follows, Over(id="first")]


@contextmanager
def host() -> Iterator[tuple[Path, list[FromClient], threading.Semaphore]]:
    """A host in a thread, as far as a chat can see: its socket, what it heard, and how many clients have gone."""
    heard: list[FromClient] = []
    ready, gone, tokens = threading.Event(), threading.Semaphore(0), list[trio.lowlevel.TrioToken]()
    scope = trio.CancelScope()

    async def serve(stream: trio.SocketStream) -> None:
        lines = LineStream(stream)
        await lines.send(write_host(Welcome(agent="Nano", sandbox="none", provider="demo")))
        while (frame := await lines.receive()) is not None:
            said = read_client(frame)
            heard.append(said)
            if isinstance(said, Say):
                for answer in answers(said):
                    await lines.send(write_host(answer))
        await lines.aclose()
        gone.release()

    async def main(path: Path) -> None:
        with scope:
            listener = trio.socket.socket(trio.socket.AF_UNIX)
            await listener.bind(str(path))
            listener.listen()
            tokens.append(trio.lowlevel.current_trio_token())
            ready.set()
            await trio.serve_listeners(serve, [trio.SocketListener(listener)])

    with tempfile.TemporaryDirectory(prefix="nc-") as folder:
        socket = Path(folder, "s")
        thread = threading.Thread(target=trio.run, args=(main, socket))
        thread.start()
        assert ready.wait(30)
        try:
            yield socket, heard, gone
        finally:
            tokens[0].run_sync_soon(scope.cancel)
            thread.join(30)


def test_a_single_line_shows_the_question_and_another_answers_it(capsys: pytest.CaptureFixture[str]) -> None:
    with host() as (socket, heard, gone):
        assert one_shot(socket, "ask me", 10) == exits.OK
        assert capsys.readouterr().out == "Cake\nNow?\n1. Yes\n2. No\n(answer with a number, or with the words)\n"
        assert one_shot(socket, "1", 10) == exits.OK
        assert capsys.readouterr().out == "Cake it is\n"
        assert gone.acquire(timeout=30), "the first line's connection did not end"
        assert gone.acquire(timeout=30), "the second line's connection did not end"
        assert [said.key for said in heard if isinstance(said, Seen)] == ["k1", "k2"]


def test_a_single_line_to_which_nothing_is_said_waits_no_longer_than_the_agent_is_at_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with host() as (socket, _, _):
        assert one_shot(socket, "be silent", 10) == exits.NO_REPLY
        assert capsys.readouterr() == ("", "Nano is done with it, and has said nothing\n")
