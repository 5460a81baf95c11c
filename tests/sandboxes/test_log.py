"""A sandbox's log: all that was said up to a bound, the last of it for people, and no byte lost to a cancellation."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.kit.striking import STRUCK, forms
from nanoclaw.sandboxes.log import TAIL_BYTES, SandboxLog


@given(st.lists(st.binary(max_size=20), max_size=10), st.integers(0, 60))
def test_the_file_is_the_beginning_of_what_was_said(
    tmp_path_factory: pytest.TempPathFactory, chunks: list[bytes], most: int
) -> None:
    said = b"".join(chunks)
    log = SandboxLog(tmp_path_factory.mktemp("log") / "a" / "1.log", most_bytes=most)

    async def add() -> None:
        for chunk in chunks:
            await log.add(chunk)
        await log.end()

    trio.run(add)
    assert (log.path.read_bytes() if log.path.exists() else b"") == said[:most]


async def test_what_a_cancelled_call_did_not_write_the_next_one_does(tmp_path: Path) -> None:
    log = SandboxLog(tmp_path / "1.log")
    with trio.CancelScope() as scope:
        scope.cancel()
        await log.add(b"one ")
    await log.add(b"two\n")
    assert log.path.read_bytes() == b"one two\n"


async def test_a_log_that_is_there_already_is_gone_on_with(tmp_path: Path) -> None:
    (tmp_path / "1.log").write_bytes(b"before ")
    log = SandboxLog(tmp_path / "1.log", most_bytes=10)
    await log.add(b"afterwards")
    await log.end()
    await log.add(b"more\n")
    assert log.path.read_bytes() == b"before aft"


async def test_people_are_told_the_last_lines(tmp_path: Path) -> None:
    log = SandboxLog(tmp_path / "1.log", most_bytes=3)
    assert log.last_lines == ""
    await log.add(b"1\n2\n\xff3\n")
    await log.add(b"  4  \n\n")
    assert log.last_lines == "2 / \N{REPLACEMENT CHARACTER}3 / 4"


KEY = "a key of \u20ac100"


@given(st.lists(st.integers(0, 80), max_size=4))
def test_a_secret_that_the_host_knows_is_in_no_log_however_it_is_cut(
    tmp_path_factory: pytest.TempPathFactory, places: list[int]
) -> None:
    said = f"it begins\nthe key is {KEY}, and again {KEY}\n\xff{KEY}".encode(errors="surrogateescape")
    log = SandboxLog(tmp_path_factory.mktemp("log") / "1.log", known=lambda: forms([KEY]))
    cuts = [0, *sorted(min(place, len(said)) for place in places), len(said)]

    async def add() -> None:
        for a, b in itertools.pairwise(cuts):
            await log.add(said[a:b])
        await log.end()

    trio.run(add)
    text = log.path.read_text(errors="replace")
    assert text == said.decode(errors="replace").replace(KEY, STRUCK)
    assert KEY not in log.last_lines
    assert log.last_lines.count(STRUCK) == 3


async def test_the_last_lines_show_no_end_of_a_secret(tmp_path: Path) -> None:
    log = SandboxLog(tmp_path / "1.log", most_bytes=3, known=lambda: [KEY])
    await log.add(f"{KEY}{'.' * (TAIL_BYTES - 4)}".encode())
    assert KEY[-4:] not in log.last_lines
    assert log.last_lines.startswith("out]")


async def test_a_key_that_another_process_has_kept_meanwhile_is_struck_as_well(tmp_path: Path) -> None:
    keys = tmp_path / "secrets" / "anthropic.json"
    log = SandboxLog(tmp_path / "1.log", secrets=keys.parent)
    for number, key in enumerate(("first-of-the-keys", "then-another-one")):
        keys.parent.mkdir(exist_ok=True)
        keys.touch(mode=0o600)
        keys.write_text(json.dumps({"place": {"key": key}}))
        await log.add(f"{number} {key}\n".encode())
        assert log.last_lines.endswith(f"{number} {STRUCK}")
    assert log.path.read_text() == f"0 {STRUCK}\n1 {STRUCK}\n"
