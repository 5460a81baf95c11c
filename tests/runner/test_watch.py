"""Waking at commits, and what happens where inotify is blind."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from runner.inbox import Inbox
from runner.watch import MOST_MISSED, QUICKEST_LOOK, SLOWEST_LOOK, InboxWatch
from schema.sqlite import BusyError, ReadOnlyError
from tests.runner.link import Link, chat


async def test_a_commit_wakes_at_once(link: Link, inbox: Inbox, autojump_clock: MockClock) -> None:
    watch = InboxWatch.open(link.inside, inbox.version)
    assert watch.mode == "inotify"
    start = trio.current_time()
    link.say(chat("hello"))
    assert await watch.wait(60)
    assert trio.current_time() == start
    watch.close()


async def test_without_a_commit_the_wait_ends_in_time(link: Link, inbox: Inbox, autojump_clock: MockClock) -> None:
    watch = InboxWatch.open(link.inside, inbox.version)
    start = trio.current_time()
    assert not await watch.wait(60)
    assert trio.current_time() - start == 60
    watch.close()


async def test_several_commits_are_one_waking(link: Link, inbox: Inbox, autojump_clock: MockClock) -> None:
    watch = InboxWatch.open(link.inside, inbox.version)
    link.say(chat("one"))
    link.say(chat("two"))
    assert await watch.wait(1)
    assert not await watch.wait(1)
    watch.close()


async def test_where_nothing_can_be_watched_it_looks(
    tmp_path: Path, autojump_clock: MockClock, capsys: pytest.CaptureFixture[str]
) -> None:
    watch = InboxWatch.open(tmp_path / "missing", lambda: 1)
    assert watch.mode == "looking"
    assert "inotify_unavailable" in capsys.readouterr().err


async def test_where_there_is_no_inotify_at_all_it_looks(
    tmp_path: Path, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> None:
        raise OSError("none left")

    monkeypatch.setattr("runner.watch.CommitWatch", none)
    assert InboxWatch.open(tmp_path, lambda: 1).mode == "looking"


async def test_looking_finds_a_commit_soon_after_work_and_later_when_it_is_quiet(
    link: Link, inbox: Inbox, autojump_clock: MockClock
) -> None:
    watch = InboxWatch(inbox.version, None)
    assert await watch.wait(1), "what was there before counts as news"
    start = trio.current_time()
    link.say(chat("one"))
    assert await watch.wait(1)
    assert trio.current_time() - start == pytest.approx(QUICKEST_LOOK)
    await trio.sleep(600)
    start = trio.current_time()
    link.say(chat("two"))
    assert await watch.wait(60)
    assert trio.current_time() - start == pytest.approx(SLOWEST_LOOK)
    watch.found(by_net=False)
    start = trio.current_time()
    link.say(chat("three"))
    assert await watch.wait(60)
    assert trio.current_time() - start == pytest.approx(QUICKEST_LOOK)


async def test_looking_without_news_ends_in_time(inbox: Inbox, autojump_clock: MockClock) -> None:
    watch = InboxWatch(inbox.version, None)
    await watch.wait(1)
    start = trio.current_time()
    assert not await watch.wait(1)
    assert trio.current_time() - start == pytest.approx(1)


@pytest.mark.parametrize("trouble", [BusyError, ReadOnlyError])
async def test_a_file_that_the_host_writes_or_died_of_writing_is_news(
    trouble: type[Exception], autojump_clock: MockClock
) -> None:
    def version() -> int:
        raise trouble

    assert await InboxWatch(version, None).wait(1)


async def test_what_only_the_net_finds_is_counted_and_ends_the_trust(
    link: Link, inbox: Inbox, autojump_clock: MockClock, capsys: pytest.CaptureFixture[str]
) -> None:
    watch = InboxWatch.open(link.inside, inbox.version)
    watch.found(by_net=False)
    assert watch.net_found == 0
    for _ in range(MOST_MISSED):
        assert watch.mode == "inotify"
        watch.found(by_net=True)
    assert watch.net_found == MOST_MISSED
    assert watch.mode == "looking"
    assert "inotify_blind" in capsys.readouterr().err
    watch.found(by_net=True)
    assert watch.net_found == MOST_MISSED, "where it looks for itself, there is no net to count"
