"""Which names may be installed in an agent's image, and which are something else in disguise."""

from __future__ import annotations

import json
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.packages import KINDS, MOST, Packages, Refused, is_name, parse

KIND = st.sampled_from(KINDS)
NEARLY_A_NAME = st.text(
    st.sampled_from("abz059.+-_@/AZ =:;$`'\"\\\n\r\t|&<>*?[]{}()~#!%é\u0430\u200b\x00"), max_size=12
)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("apt", "jq"),
        ("apt", "g++"),
        ("apt", "libstdc++6"),
        ("apt", "python3.11-venv"),
        ("apt", "7zip"),
        ("npm", "prettier"),
        ("npm", "@types/node"),
        ("npm", "left_pad.js"),
        ("pip", "Pillow"),
        ("pip", "zope.interface"),
        ("pip", "ruamel_yaml"),
        ("pip", "x"),
    ],
)
def test_names_of_real_packages_are_taken(kind: str, name: str) -> None:
    assert is_name(kind, name)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "name",
    [
        "",
        "-y",
        "--option",
        "jq\n",
        "jq\nRUN id",
        "jq;id",
        "jq && id",
        "$(id)",
        "`id`",
        "jq curl",
        "jq=1.6",
        "jq==1.6",
        "jq@latest",
        "jq>1",
        "./jq",
        "../jq",
        "/tmp/jq",
        "https://example.org/jq",
        "git+ssh://example.org/jq",
        "file:jq",
        "jq-",
        "jq[extra]",
        "\u0458q",
        "jq\u200b",
        "jq\x00",
        "j*",
        "~jq",
        "@/jq",
        "@scope/",
        "@scope/../jq",
        "a" * 215,
    ],
)
def test_what_is_more_than_a_name_is_refused(kind: str, name: str) -> None:
    assert not is_name(kind, name)


@pytest.mark.parametrize(
    ("kind", "name"),
    [("apt", "Jq"), ("apt", "j"), ("apt", "a_b"), ("apt", "jq:i386"), ("apt", "jq/sid"), ("pip", "a+b")],
)
def test_each_kind_has_its_own_rules(kind: str, name: str) -> None:
    assert not is_name(kind, name)


@given(kind=KIND, name=NEARLY_A_NAME | st.text(max_size=8))
def test_what_is_taken_needs_no_quotes_in_a_shell_and_is_no_option(kind: str, name: str) -> None:
    if is_name(kind, name):
        assert shlex.quote(name) == name
        assert shlex.split(f"install -- {name} more", comments=True) == ["install", "--", name, "more"]
        assert name.isascii()
        assert not name.startswith("-")
        assert not name.endswith("-")


@given(kind=KIND, name=st.text(st.sampled_from("abz059"), min_size=2, max_size=20))
def test_plain_names_are_taken(kind: str, name: str) -> None:
    assert is_name(kind, name)


def test_the_settings_are_read_each_name_once_and_in_order() -> None:
    text = json.dumps({"pip": ["b", "a"], "apt": ["jq", "curl", "jq"]})
    assert parse(text) == Packages(apt=("curl", "jq"), pip=("a", "b"))
    assert parse("{}") == Packages()
    assert Packages().none
    assert not Packages(npm=("a",)).none


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not JSON"),
        ("[" * 20_000, "more than 16384"),
        ("[" * 15_000, "not JSON"),
        ("[]", "not an object"),
        ('{"gem": []}', "'gem' is no kind of package; there are apt, npm, pip"),
        ('{"apt": "jq"}', "packages.apt: not a list"),
        ('{"apt": [1]}', "packages.apt: 1 cannot be a package's name"),
        ('{"npm": ["a\\n"]}', r"packages.npm: 'a\n' cannot be"),
        (json.dumps({"pip": ["-" + "a" * 100]}), "…"),
        (json.dumps({"apt": ["jq"] * (MOST + 1)}), "packages.apt: 21 are more than 20"),
    ],
)
def test_settings_that_make_no_sense_are_refused_with_what_and_where(text: str, said: str) -> None:
    refused = parse(text)
    assert isinstance(refused, Refused)
    assert said in refused.why
    assert len(refused.why) < 250


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=4), st.lists, max_leaves=5))
def test_nothing_that_is_json_makes_reading_fail(value: object) -> None:
    for text in (json.dumps(value), json.dumps({"apt": value})):
        assert isinstance(parse(text), Packages | Refused)
