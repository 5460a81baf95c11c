"""Back to what a turn has reached: the transcript up to it becomes another session, also before a compaction."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runner.providers.base import Input, ProviderError, Result, Trouble
from runner.providers.claude.points import name_point, resumable
from tests.runner.providers.claude.desk import MOST_SECONDS, Desk, of, rest, until
from tests.support.model_wire import says

SESSION = "11111111-2222-4333-8444-555555555555"
FIRST, SECOND = "aaaaaaaa-2222-4333-8444-555555555555", "bbbbbbbb-2222-4333-8444-555555555555"


@pytest.fixture
def transcript(tmp_path: Path) -> Path:
    """Of two answers, one with half of an emoji, with a line that is none, and the last half written, in a sign."""
    folder = tmp_path / "projects" / "-workspace"
    folder.mkdir(parents=True)
    lines = [
        json.dumps({"type": "summary", "summary": "é"}),
        json.dumps({"uuid": FIRST, "sessionId": SESSION, "message": {"uuid": SECOND}}),
        "no json",
        "[1]",
        json.dumps({"uuid": SECOND, "sessionId": SESSION, "cut": "\ud83d"}),
        '{"uuid": "cccc',
    ]
    path = folder / f"{SESSION}.jsonl"
    path.write_bytes("\n".join(lines).encode() + "é".encode()[:1])
    return path


@pytest.mark.parametrize(("message", "kept"), [(FIRST, 2), (SECOND, 3)])
def test_a_session_of_its_own_has_all_up_to_the_message(transcript: Path, message: str, kept: int) -> None:
    before = transcript.read_bytes()
    new = resumable(name_point(SESSION, message), transcript.parents[2])
    assert new not in {None, SESSION}
    made = [json.loads(line) for line in (transcript.parent / f"{new}.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(made) == kept
    assert made[0] == {"type": "summary", "summary": "é"}
    assert [one["sessionId"] for one in made[1:]] == [new] * (kept - 1)
    assert made[-1]["uuid"] == message
    assert transcript.read_bytes() == before


def test_a_point_that_is_not_there_any_more_leaves_nothing(transcript: Path) -> None:
    gone = "dddddddd-2222-4333-8444-555555555555"
    for point in (f"{SESSION}@{gone}", f"{gone}@{FIRST}"):
        assert resumable(point, transcript.parents[2]) not in {None, SESSION, gone}
    assert list(transcript.parent.iterdir()) == [transcript]


@pytest.mark.parametrize("continuation", [None, SESSION, "x", "a@b", f"../{SESSION}@{FIRST}", f"{SESSION}@{FIRST}\n"])
def test_whatever_is_no_point_stays_what_it_is(transcript: Path, continuation: str | None) -> None:
    assert resumable(continuation, transcript.parents[2]) == continuation
    assert list(transcript.parent.iterdir()) == [transcript]


def test_where_nothing_is_known_there_is_no_point() -> None:
    assert (name_point(None, FIRST), name_point(SESSION, None)) == (None, None)


@pytest.mark.timeout(MOST_SECONDS)
async def test_the_model_knows_what_it_knew_then_and_nothing_that_came_later(desk: Desk) -> None:
    desk.model.then(says("Good morning."), says("<summary>They greeted.</summary>"), says("Later."), says("Anew."))
    async with desk.query("hello there") as query:
        first, _ = await until(query, Result)
        query.push(Input(id="2", text="/compact"))
        await until(query, Result)
        query.push(Input(id="3", text="and later?"))
        query.end()
        await rest(query)
    (again,) = of(Result, await desk.ask("again", first.continuation))
    said = desk.model.asked[-1].said
    assert [words in said for words in ("hello there", "Good morning.", "again")] == [True] * 3
    assert [words in said for words in ("They greeted", "Later.", "and later?")] == [False] * 3
    assert first.continuation is not None
    assert again.continuation is not None
    assert again.continuation.partition("@")[0] != first.continuation.partition("@")[0]
    (lost,) = of(ProviderError, await desk.ask("again", f"{first.continuation.partition('@')[0]}@{SECOND}"))
    assert lost.trouble is Trouble.UNKNOWN_SESSION
