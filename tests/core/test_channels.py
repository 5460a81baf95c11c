"""What a channel may be called, and where what it is told is kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.channels import BadChannel, Settings, Wanted, join_settings, judge_name, sort_settings

WANTED = [
    Wanted(name="url", secret=False, default="https://api.test"),
    Wanted(name="room", secret=False, default=None),
    Wanted(name="token", secret=True, default=None),
]
WORDS = st.text("abc", max_size=3)


@pytest.mark.parametrize("name", ["telegram", "telegram-work", "t2", "a" * 40])
def test_a_channel_may_have_a_plain_name(name: str) -> None:
    assert judge_name(name, ["telegram-home"]) is None


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "is no name of a channel"),
        ("a" * 41, "is no name of a channel"),
        ("a:b", "is no name of a channel"),
        ("two words", "is no name of a channel"),
        ("terminal", "nanoclaw itself"),
        ("agent", "nanoclaw itself"),
        ("telegram", "such as telegram-2"),
    ],
)
def test_any_other_name_is_refused_with_the_reason(name: str, why: str) -> None:
    found = judge_name(name, ["telegram"])
    assert isinstance(found, BadChannel)
    assert why in found.why


@given(url=WORDS, room=WORDS, token=WORDS)
def test_what_is_sorted_is_joined_again_with_the_defaults_and_no_secret_is_kept_with_the_rest(
    url: str, room: str, token: str
) -> None:
    found = sort_settings(WANTED, {"url": url, "room": room, "token": token})
    if not (room and token):
        assert isinstance(found, BadChannel)
        return
    assert isinstance(found, Settings)
    assert "token" not in found.plain
    assert join_settings(WANTED, found.plain, found.secret) == {
        "url": url or "https://api.test",
        "room": room,
        "token": token,
    }


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"room": "r"}, "it has to be told: token"),
        ({"room": "r", "token": "t", "tokem": "hunter2"}, "there is no setting 'tokem'; there are url, room, token"),
        ({"room": "r", "token": "hunter2\n"}, "token: at most"),
        ({"room": "r", "token": "hunter2" * 1000}, "token: at most"),
    ],
)
def test_settings_that_make_no_sense_are_refused_without_showing_them(said: dict[str, str], why: str) -> None:
    found = sort_settings(WANTED, said)
    assert isinstance(found, BadChannel)
    assert why in found.why
    assert "hunter2" not in found.why


def test_a_secret_that_is_gone_is_missed_by_name() -> None:
    found = join_settings(WANTED, {"room": "r"}, {})
    assert isinstance(found, BadChannel)
    assert "token is missing: secrets/channels.json" in found.why
