"""What the command line says of trouble, and what kind it is."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.providers.base import Trouble
from runner.providers.claude.trouble import MOST_SHOWN, classify, waits_for

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
RETRYABLE = {Trouble.RATE_LIMIT, Trouble.OVERLOADED, Trouble.NETWORK, Trouble.SERVER, Trouble.CRASHED}


@pytest.mark.parametrize(
    ("status", "trouble"),
    [
        (400, Trouble.REFUSED),
        (401, Trouble.REFUSED),
        (403, Trouble.REFUSED),
        (404, Trouble.REFUSED),
        (408, Trouble.NETWORK),
        (413, Trouble.REFUSED),
        (429, Trouble.RATE_LIMIT),
        (500, Trouble.SERVER),
        (503, Trouble.SERVER),
        (529, Trouble.OVERLOADED),
    ],
)
def test_a_status_says_it(status: int, trouble: Trouble) -> None:
    assert classify("API Error", status=status, now=NOW).trouble is trouble
    assert waits_for(status, "whatever") is trouble


@pytest.mark.parametrize(
    ("said", "trouble"),
    [
        ("No conversation found with session ID: 1", Trouble.UNKNOWN_SESSION),
        ("ENOENT: no such file, open '/home/agent/.claude/projects/x/1.jsonl'", Trouble.UNKNOWN_SESSION),
        ("Session 1 was not found", Trouble.UNKNOWN_SESSION),
        ('Provided value "1" is not a UUID and does not match any session title.', Trouble.UNKNOWN_SESSION),
        ("You've hit your limit · resets 5pm", Trouble.RATE_LIMIT),
        ("Claude AI usage limit reached|1790000000", Trouble.RATE_LIMIT),
        ("API Error: Overloaded", Trouble.OVERLOADED),
        ("API Error: Connection error.", Trouble.NETWORK),
        ("connect ECONNREFUSED 127.0.0.1:1", Trouble.NETWORK),
        ("Request timed out.", Trouble.NETWORK),
        ("Credit balance is too low", Trouble.REFUSED),
        ("Invalid API key · Please run /login", Trouble.REFUSED),
    ],
)
def test_without_a_status_the_words_say_it(said: str, trouble: Trouble) -> None:
    assert classify(said, now=NOW).trouble is trouble


def test_a_command_line_that_ended_has_crashed_unless_it_said_why() -> None:
    assert classify("exit code 1", crashed=True, now=NOW).trouble is Trouble.CRASHED
    assert classify("exit code 1; No conversation found", crashed=True, now=NOW).trouble is Trouble.UNKNOWN_SESSION


def test_a_limit_that_ends_at_a_time_says_for_how_long() -> None:
    ends = int(NOW.timestamp()) + 90
    assert classify(f"Claude AI usage limit reached|{ends}", now=NOW).retry_after == 90.0
    assert classify(f"Claude AI usage limit reached|{ends - 180}", now=NOW).retry_after == 0.0
    assert classify("Overloaded", now=NOW).retry_after is None


@given(st.text(max_size=2_000), st.none() | st.integers(100, 599), st.booleans())
def test_whatever_is_said_is_some_trouble_that_can_be_shown(said: str, status: int | None, crashed: bool) -> None:
    error = classify(said, status=status, crashed=crashed, now=NOW)
    assert error.retryable is (error.trouble in RETRYABLE)
    assert len(error.message) <= MOST_SHOWN
    assert "\n" not in error.message
