"""How long a platform asks us to wait, in whichever of its forms it says so."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.retry_after import LONGEST, retry_after, wait_in_words

NOW = datetime(2026, 11, 26, 12, 0, 0, tzinfo=UTC)
json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.dictionaries(st.sampled_from(["retry_after", "retry_after_ms", "parameters"]), inner),
)


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        ({}, None, None),
        ({}, {"retry_after": 64.57, "global": True}, 64.57),
        ({}, {"ok": False, "parameters": {"retry_after": 35}}, 35.0),
        ({}, {"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 1500}, 1.5),
        ({"retry-after": "3"}, None, 3.0),
        ({"retry-after": "0.25"}, None, 0.25),
        ({"retry-after": "3600"}, None, 3600.0),
        ({"retry-after": "65"}, {"retry_after": 64.57}, 65.0),
        ({"x-ratelimit-reset-after": "1.203"}, None, 1.203),
        ({"retry-after": "Thu, 26 Nov 2026 12:00:30 GMT"}, None, 30.0),
        ({"retry-after": "Thu, 26 Nov 2026 12:00:30 GMT", "date": "Thu, 26 Nov 2026 12:00:20 GMT"}, None, 10.0),
        ({"retry-after": "Thu, 26 Nov 2026 11:00:00 GMT"}, None, 0.0),
        ({"retry-after": "Sunday, soon"}, None, None),
        ({"retry-after": "-1"}, None, None),
        ({"retry-after": "nan"}, {"retry_after": "inf"}, None),
        ({"retry-after": "1e300"}, None, LONGEST),
        ({}, {"retry_after": True}, None),
        ({}, {"retry_after": "7"}, 7.0),
        ({}, ["retry_after"], None),
    ],
)
def test_every_form_is_read(headers: dict[str, str], body: object, expected: float | None) -> None:
    assert retry_after(headers, body, now=NOW) == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("450 4.2.0 Greylisted for 5 minutes (1)", 300.0),
        ("451 4.7.1 Greylisting in action, please come back in 00:04:59", 299.0),
        ("450 try again in 300 seconds", 300.0),
        ("450 try again in 1 second.", 1.0),
        ("452 quota: wait for 2h", 7_200.0),
        ("450 try again after 999999 hours", LONGEST),
        ("451 4.7.1 Try again later", None),
        ("450 4.2.1 in 3 sentences", None),
        ("450 greylisted for 5", None),
    ],
)
def test_a_wait_is_found_in_a_sentence(said: str, expected: float | None) -> None:
    assert wait_in_words(said) == expected


@given(st.text(), st.text(), json)
def test_nothing_that_a_platform_says_is_a_wait_without_end(header: str, date: str, body: object) -> None:
    wait = retry_after({"retry-after": header, "date": date}, body, now=NOW)
    assert wait is None or 0 <= wait <= LONGEST
