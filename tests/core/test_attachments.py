"""Names of files: whatever somebody called theirs, ours are safe, readable, distinct, and stay what they are."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nanoclaw.core.attachments import MOST_NAME_BYTES, NAMELESS, safe_name, safe_names, size_in_words

NAMES = st.text(max_size=300) | st.text("ab./\\- \u202e\u0301é\n\0~", max_size=40)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("report.pdf", "report.pdf"),
        ("Übersicht März.pdf", "Übersicht März.pdf"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("/etc/passwd", "_etc_passwd"),
        ("..\\..\\boot.ini", "_.._boot.ini"),
        ("", NAMELESS),
        (".", NAMELESS),
        ("..", NAMELESS),
        (".bashrc", "bashrc"),
        ("-rf", "rf"),
        ("--output=x", "output=x"),
        ("a\0b", "ab"),
        ("line\nbreak\ttab.txt", "line break tab.txt"),
        ("\u202egpj.exe", "gpj.exe"),
        ("zero\u200bwidth.txt", "zerowidth.txt"),
        ("tag\U000e0041.txt", "tag.txt"),
        ("half\ud800.txt", "half.txt"),
        ("u\u0308ber.txt", "über.txt"),
        ("trailing. . ", "trailing"),
        ("CON", "CON"),
        ("x" * 300 + ".tar.gz", "x" * (MOST_NAME_BYTES - 3) + ".gz"),
        ("é" * 200, "é" * (MOST_NAME_BYTES // 2)),
        ("a." + "b" * 300, "a." + "b" * (MOST_NAME_BYTES - 2)),
    ],
)
def test_names_that_people_and_attackers_give(name: str, safe: str) -> None:
    assert safe_name(name) == safe


@given(NAMES)
def test_a_safe_name_is_one_component_readable_normal_and_short(name: str) -> None:
    safe = safe_name(name)
    assert safe
    assert not set(safe) & set("/\\\0")
    assert safe[0] not in " .-"
    assert safe[-1] not in " ."
    assert unicodedata.is_normalized("NFC", safe)
    assert len(safe.encode()) <= MOST_NAME_BYTES
    assert not {unicodedata.category(character) for character in safe} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@given(NAMES)
def test_a_safe_name_stays_as_it_is(name: str) -> None:
    assert safe_name(safe_name(name)) == safe_name(name)


@given(st.lists(NAMES | st.sampled_from(["a.txt", "A.TXT", "a (2).txt", "", "x" * 300, "ß", "SS"]), max_size=10))
@example(["a.txt", "a (2).txt", "a.txt", "A.txt"])
def test_names_side_by_side_differ_by_more_than_the_size_of_letters(names: list[str]) -> None:
    found = safe_names(names)
    assert len(found) == len(names)
    assert len({name.casefold() for name in found}) == len(found)
    assert all(safe_name(name) == name for name in found)


def test_the_second_of_a_name_says_so_before_its_ending() -> None:
    assert safe_names(["a.txt", "a.txt", "a.txt", "b"]) == ("a.txt", "a (2).txt", "a (3).txt", "b")
    first, second = safe_names(["x" * 300 + ".png"] * 2)
    assert len(first) == len(second) == MOST_NAME_BYTES
    assert second.endswith("x (2).png")


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1 KiB"), (1536, "1.5 KiB"), (1 << 20, "1 MiB"), (25 << 20, "25 MiB")],
)
def test_sizes_are_said_as_people_say_them(size: int, words: str) -> None:
    assert size_in_words(size) == words
