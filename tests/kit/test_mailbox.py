"""The mailbox: order, folding, and what cancellation leaves alone."""

from __future__ import annotations

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock, assert_checkpoints, wait_all_tasks_blocked

from nanoclaw.kit.mailbox import Mailbox


async def test_letters_are_read_oldest_first() -> None:
    box = Mailbox[str]()
    for letter in "cab":
        box.post(letter)
    assert [await box.read() for _ in range(3)] == ["c", "a", "b"]


async def test_a_letter_equal_to_an_unread_one_adds_nothing() -> None:
    box = Mailbox[str]()
    for letter in "aba":
        box.post(letter)
    assert len(box) == 2
    assert await box.read_all() == ("a", "b")
    box.post("a")
    assert await box.read() == "a"


@pytest.mark.parametrize("way", ["read", "read_all"])
async def test_a_reader_waits_for_mail(way: str, autojump_clock: MockClock) -> None:
    box = Mailbox[str]()
    got: list[object] = []

    async def reader() -> None:
        got.append(await (box.read() if way == "read" else box.read_all()))
        got.append(trio.current_time())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(reader)
        await trio.sleep(7)
        box.post("late")
    assert got == ["late" if way == "read" else ("late",), 7]


async def test_a_second_reader_is_not_forgotten() -> None:
    box = Mailbox[str]()
    got: list[str] = []

    async def reader() -> None:
        got.append(await box.read())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(reader)
        nursery.start_soon(reader)
        for letter in "ab":
            await wait_all_tasks_blocked()
            box.post(letter)
    assert got == ["a", "b"]


async def test_reading_is_a_checkpoint_even_when_there_is_mail() -> None:
    box = Mailbox[str]()
    box.post("a")
    with assert_checkpoints():
        await box.read()
    box.post("a")
    with assert_checkpoints():
        await box.read_all()


@pytest.mark.parametrize("way", ["read", "read_all"])
async def test_a_cancelled_reader_takes_nothing(way: str) -> None:
    box = Mailbox[str]()
    box.post("a")
    with trio.CancelScope() as scope:
        scope.cancel()
        await (box.read() if way == "read" else box.read_all())
    assert scope.cancelled_caught
    assert box.read_nowait() == "a"


def test_reading_without_waiting_says_none_when_empty() -> None:
    box = Mailbox[str]()
    assert box.read_nowait() is None


def test_an_empty_mailbox_is_still_a_mailbox() -> None:
    assert Mailbox[str]()


posts_and_reads = st.lists(st.one_of(st.sampled_from("abcd"), st.none()), max_size=60)


@settings(deadline=None)
@given(posts_and_reads)
def test_a_mailbox_behaves_as_an_insertion_ordered_dict(steps: list[str | None]) -> None:
    box, model = Mailbox[str](), dict[str, None]()
    for letter in steps:
        if letter is None:
            expected = next(iter(model), None)
            model.pop(expected or "", None)
            assert box.read_nowait() == expected
        else:
            box.post(letter)
            model.setdefault(letter)
        assert len(box) == len(model)
    if model:
        assert trio.run(box.read_all) == tuple(model)
        assert len(box) == 0
