"""The admin socket: who asks is answered, refused with a sentence, or asked back."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest
import trio

from nanoclaw.admin.server import AdminServer, Office
from nanoclaw.kit.clock import SystemClock
from nanoclaw.kit.lines import MOST_ANSWER, LineStream
from nanoclaw.kit.written import Written
from nanoclaw.model.ids import UserId
from nanoclaw.store.db import open_database
from nanoclaw.store.people import note_user


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="nc-") as name:
        yield Path(name)


@asynccontextmanager
async def office(folder: Path, changed: list[str]) -> AsyncIterator[Path]:
    """A server on a fresh home, and its socket; *changed* grows with every change."""
    socket = folder / "admin.sock"
    clock = SystemClock()

    async def weather(_: Mapping[str, object]) -> object:
        await trio.lowlevel.checkpoint()
        return "fine"

    async with open_database(folder / "nanoclaw.db") as store, trio.open_nursery() as nursery:
        await store.transact(note_user, UserId("terminal:operator"), "Ada", now=clock.now())
        desk = Office(
            store=store,
            clock=clock,
            operator=UserId("terminal:operator"),
            threaded={},
            check_mounts=lambda *_: (),
            changed=lambda _: changed.append("changed"),
            forget=lambda: changed.append("looks anew"),
        )
        await nursery.start(AdminServer(socket, {"status": weather}, desk).run)
        yield socket
        nursery.cancel_scope.cancel()


async def ask(socket: Path, frame: Mapping[str, object]) -> dict[str, object]:
    with trio.fail_after(30):
        lines = LineStream(await trio.open_unix_socket(str(socket)))
        await lines.send(frame)
        answer = await lines.receive()
        await lines.aclose()
    assert answer is not None
    return dict(answer)


async def test_a_verb_is_run_and_running_sessions_are_told_only_if_it_wrote(folder: Path) -> None:
    changed: list[str] = []
    async with office(folder, changed) as socket:
        made = await ask(socket, {"verb": "groups create", "arguments": {"name": "Ops"}})
        assert cast("dict[str, object]", made["answer"])["said"] == (
            "made the agent group Ops; let it hear a chat with: nanoclaw wirings create CHAT ops"
        )
        assert changed == ["changed", "looks anew"]
        listed = await ask(socket, {"verb": "groups list"})
        assert len(cast("dict[str, list[object]]", listed["answer"])["rows"]) == 1
        assert changed == ["changed", "looks anew"]


async def test_what_takes_away_is_asked_back_and_done_when_it_is_confirmed(folder: Path) -> None:
    async with office(folder, []) as socket:
        await ask(socket, {"verb": "groups create", "arguments": {"name": "Ops"}})
        frame = {"verb": "groups delete", "arguments": {"group": "ops"}}
        assert await ask(socket, frame) == {"question": "Delete the agent group Ops? Its folder groups/ops stays."}
        done = await ask(socket, {**frame, "confirmed": True})
        assert "deleted" in str(done["answer"])


@pytest.mark.parametrize(
    ("frame", "sentence"),
    [
        ({"verb": "groups burn"}, "there is no verb 'groups burn'; there are status, groups list"),
        ({"verb": 7}, "there is no verb 7"),
        ({}, "there is no verb None"),
        ({"verb": "groups get", "arguments": {}}, "group"),
        ({"verb": "groups get", "arguments": []}, "groups get"),
        ({"verb": "groups get", "arguments": {"group": "x"}}, "there is no agent group 'x'"),
    ],
)
async def test_nonsense_is_answered_with_a_sentence(folder: Path, frame: dict[str, object], sentence: str) -> None:
    async with office(folder, []) as socket:
        assert sentence in str((await ask(socket, frame))["error"])


@pytest.mark.parametrize("answer", [Written(f'"{"x" * MOST_ANSWER}"'), "x" * MOST_ANSWER], ids=["written", "plain"])
async def test_an_answer_that_is_too_long_says_so(folder: Path, answer: object) -> None:
    async def much(_: Mapping[str, object]) -> object:
        await trio.lowlevel.checkpoint()
        return answer

    async with trio.open_nursery() as nursery:
        await nursery.start(AdminServer(folder / "console.sock", {"tree": much}).run)
        said = await ask(folder / "console.sock", {"verb": "tree"})
        nursery.cancel_scope.cancel()
    assert str(said["error"]).startswith("the answer is too long (8388")


async def test_a_look_is_answered_and_the_socket_is_the_owners_alone(folder: Path) -> None:
    async with office(folder, []) as socket:
        assert await ask(socket, {"verb": "status"}) == {"answer": "fine"}
        assert socket.stat().st_mode & 0o777 == 0o600
    assert not socket.exists()
