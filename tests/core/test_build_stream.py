"""What engines say while they build and fetch, as it was recorded, and what is made of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.build_stream import Cached, Event, Failed, Image, Said, Step, read


@pytest.mark.parametrize(
    ("found", "event"),
    [
        ({"stream": "Step 2/9 : FROM ${BASE}"}, Step(2, 9, "FROM ${BASE}")),
        ({"stream": "Step 10/12 : RUN set -eu;     true\n"}, Step(10, 12, "RUN set -eu;     true")),
        ({"stream": " ---> Using cache\n"}, Cached()),
        ({"stream": " ---> e2224ff474c6\n"}, Said("---> e2224ff474c6")),
        ({"stream": "\n"}, None),
        (
            {"stream": "\x1b[91mE: Unable to locate package nope\n\x1b[0m"},
            Said("[91mE: Unable to locate package nope\n [0m"),
        ),
        ({"aux": {"ID": "sha256:03282feb9dfe"}}, Image("sha256:03282feb9dfe")),
        (
            {"errorDetail": {"code": 100, "message": "The command returned 100"}, "error": "The command returned 100"},
            Failed("The command returned 100"),
        ),
        ({"error": "pull access denied"}, Failed("pull access denied")),
        (
            {"status": "Downloading", "progressDetail": {"current": 1, "total": 2}, "id": "ab12"},
            Said("ab12: Downloading"),
        ),
        ({"status": "Pulling from library/python", "id": "3.12-slim"}, Said("3.12-slim: Pulling from library/python")),
        ({"status": "Digest: sha256:00"}, Said("Digest: sha256:00")),
        ({"aux": {"Tag": "x"}}, None),
        ({"something": "new"}, None),
        ({}, None),
    ],
)
def test_each_object_means_what_the_engine_meant(found: dict[str, object], event: Event | None) -> None:
    assert read(found) == event


@given(st.text())
def test_nothing_that_is_said_can_move_a_cursor(text: str) -> None:
    for key in ("stream", "status", "error"):
        event = read({key: text})
        if isinstance(event, Said | Failed):
            said = event.text if isinstance(event, Said) else event.why
            assert all(character == "\n" or character >= " " for character in said)
            assert not any("\x7f" <= character <= "\x9f" for character in said)


@given(
    st.dictionaries(st.sampled_from(["stream", "status", "error", "errorDetail", "aux", "id"]), st.none() | st.text())
)
def test_nothing_that_is_said_makes_reading_fail(found: dict[str, object]) -> None:
    read(found)
