"""What a command is, for host and runner alike."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.commands import Command, parse


@pytest.mark.parametrize(
    ("text", "name", "arguments"),
    [
        ("/clear", "/clear", ""),
        ("  /CLEAR  now please ", "/clear", "now please"),
        ("/clear\nnow", "/clear", "now"),
        ("/remote-control on", "/remote-control", "on"),
        ("/clear@nano_bot", "/clear", ""),
        ("/clear@nano_bot all", "/clear", "all"),
        ("@nano /clear", "/clear", ""),
        ("@nano: /clear", "/clear", ""),
        ("@nano, /clear", "/clear", ""),
        ("<@U042> /clear", "/clear", ""),
        ("@a @b <@c> /clear", "/clear", ""),
        ("/" + "a" * 64, "/" + "a" * 64, ""),
    ],
)
def test_the_first_word_with_a_slash_is_a_command(text: str, name: str, arguments: str) -> None:
    assert parse(text) == Command(name, arguments)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "clear",
        "please /clear",
        "/etc/hosts",
        "//clear",
        "/7up",
        "/clear!",
        "/clear@",
        "/clear@nano-bot",
        "/" + "a" * 65,
        "@a @b @c @d /clear",
        "@nano/clear",
        "nano: /clear",
        "<@> /clear",
    ],
)
def test_anything_else_is_talk(text: str) -> None:
    assert parse(text) is None


@given(st.text())
def test_a_command_has_a_plain_name_and_arguments_without_space_around(text: str) -> None:
    found = parse(text)
    if found is not None:
        assert found.name.isascii()
        assert found.name == found.name.lower()
        assert found.arguments == found.arguments.strip()
        assert found.arguments in text
