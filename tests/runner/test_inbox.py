"""What the runner sees of what the host shows."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import trio

from runner.inbox import AGAIN_SECONDS, ORPHANED_SECONDS, Inbox, patiently
from schema.rows import Routing
from schema.sqlite import BusyError, ReadOnlyError, SqliteError
from tests.runner.link import NOW, Link, chat, destination

SOON = NOW + timedelta(seconds=5)


def ids(inbox: Inbox, *, first_look: bool = False) -> list[str]:
    return [row.id for row in inbox.pending(NOW, first_look=first_look)]


def test_due_rows_come_oldest_first(link: Link, inbox: Inbox) -> None:
    first = link.say(chat("one"))
    link.say(chat("two"), process_after=NOW)
    link.say(chat("later"), process_after=SOON)
    link.say(chat("settled"))
    link.settle(["m8"])
    assert ids(inbox) == ["m2", "m4"]
    assert inbox.pending(NOW, first_look=False)[0] == first


def test_rows_for_a_fresh_sandbox_show_in_the_first_look_only(link: Link, inbox: Inbox) -> None:
    link.say(chat("wake"), on_wake=True)
    assert ids(inbox, first_look=True) == ["m2"]
    assert ids(inbox) == []


def test_the_next_due_row_is_the_earliest_that_still_waits(link: Link, inbox: Inbox) -> None:
    assert inbox.next_due(NOW) is None
    link.say(chat("due"), process_after=NOW)
    link.say(chat("later"), process_after=SOON + timedelta(hours=1))
    link.say(chat("soon"), process_after=SOON)
    assert inbox.next_due(NOW) == SOON


def test_settled_is_what_is_no_longer_pending_or_no_longer_shown(link: Link, inbox: Inbox) -> None:
    link.say(chat("one"))
    link.say(chat("two"))
    link.settle(["m4"])
    assert inbox.settled(["m2", "m4", "gone"]) == {"m4", "gone"}
    assert inbox.settled([]) == frozenset()


def test_delivered_is_what_the_host_says_has_ended(link: Link, inbox: Inbox) -> None:
    link.deliver("out-3", 3)
    assert inbox.delivered(["out-1", "out-3"]) == {"out-3"}


def test_destinations_are_as_they_are_now(link: Link, inbox: Inbox) -> None:
    assert inbox.destinations() == [destination("room")]
    link.set_destinations("work", "family")
    assert [one.name for one in inbox.destinations()] == ["family", "work"]


def test_the_single_rows_are_read(link: Link, inbox: Inbox) -> None:
    assert inbox.routing() == Routing(channel_type="c", platform_id="room", thread_id=None)
    assert (inbox.meta().epoch, inbox.meta().timezone) == (7, "Europe/Lisbon")


def test_the_highest_number_is_that_of_a_message_or_the_floor(link: Link, inbox: Inbox) -> None:
    assert inbox.highest_seq() == 0
    link.say(chat("one"))
    assert inbox.highest_seq() == 2
    link.set_meta(seq_floor=9)
    assert inbox.highest_seq() == 9


def test_the_version_changes_with_a_commit(link: Link, inbox: Inbox) -> None:
    before = inbox.version()
    assert inbox.version() == before
    link.say(chat("one"))
    assert inbox.version() != before


def test_reading_leaves_no_lock(link: Link, inbox: Inbox) -> None:
    link.say(chat("one"))
    ids(inbox)
    inbox.meta()
    link.lock()
    link.unlock()


def test_a_lock_that_does_not_pass_is_busy_and_then_looked_at_again(link: Link, inbox: Inbox) -> None:
    link.lock()
    with pytest.raises(BusyError):
        inbox.meta()
    link.unlock()
    assert inbox.meta().epoch == 7


def test_an_inbox_that_is_not_there_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(SqliteError):
        Inbox.open(tmp_path / "inbound.db")


async def test_a_busy_file_is_read_again_until_it_can_be(autojump_clock: trio.testing.MockClock) -> None:
    tries = 0

    def read() -> str:
        nonlocal tries
        tries += 1
        if tries < 4:
            raise BusyError
        return "read"

    start = trio.current_time()
    assert await patiently(read) == "read"
    assert trio.current_time() - start == pytest.approx(3 * AGAIN_SECONDS)


async def test_what_a_host_died_of_writing_is_waited_for_until_the_next_has_undone_it(
    link: Link, inbox: Inbox, autojump_clock: trio.testing.MockClock
) -> None:
    assert inbox.meta().timezone == "Europe/Lisbon"
    journal = link.die_in_a_commit()
    with pytest.raises(ReadOnlyError):
        inbox.meta()
    found: list[str] = []

    async def read() -> None:
        found.append((await patiently(inbox.meta)).timezone)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        await trio.sleep(60 * ORPHANED_SECONDS)
        assert found == []
        link.say(chat("from the next host"))
    assert found == ["Europe/Lisbon"]
    assert not journal.exists()
