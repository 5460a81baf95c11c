"""What a terminal chat and the host say to each other."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.channels.terminal.frames import (
    MOST_TEXT,
    Declined,
    FileEnd,
    FilePart,
    FileStart,
    FrameError,
    FromClient,
    FromHost,
    Kept,
    Over,
    Say,
    Seen,
    Show,
    ShownFile,
    Trouble,
    Welcome,
    read_client,
    read_host,
    write_client,
    write_host,
)

TEXT = st.text(max_size=40)  # without surrogates, as hypothesis makes it
CLIENTS = st.one_of(
    st.builds(Say, id=st.text(min_size=1, max_size=100), text=st.text(min_size=1, max_size=200)),
    st.builds(Say, id=st.just("1"), text=TEXT, files=st.integers(min_value=1)),
    st.builds(Say, id=st.just("1"), text=st.just("2"), question=st.text(max_size=100)),
    st.builds(Seen, key=TEXT),
    st.builds(FileStart, name=st.text(min_size=1, max_size=100)),
    st.builds(FilePart, data=st.text("abc+/=", min_size=1)),
    st.just(FileEnd()),
)
HOSTS = st.one_of(
    st.builds(Welcome, agent=TEXT, sandbox=TEXT, provider=TEXT),
    st.builds(Kept, id=TEXT, answers_for=st.none() | TEXT),
    st.builds(Over, id=TEXT),
    st.builds(Declined, id=TEXT, why=TEXT),
    st.builds(
        Show,
        key=TEXT,
        text=TEXT,
        speaker=st.none() | TEXT,
        answers=st.none() | TEXT,
        more=st.booleans(),
        files=st.lists(st.builds(ShownFile, name=TEXT, size=st.integers(), path=TEXT), max_size=3).map(tuple),
        edits=st.none() | TEXT,
        reacts_to=st.none() | TEXT,
        quoted=TEXT,
        title=TEXT,
        question=st.none() | TEXT,
        options=st.lists(TEXT, max_size=3).map(tuple),
    ),
    st.builds(Trouble, why=TEXT),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    [
        "id",
        "text",
        "key",
        "why",
        "answers",
        "more",
        "agent",
        "sandbox",
        "provider",
        "type",
        "files",
        "name",
        "x",
        "question",
        "options",
    ]
)
FROM_CLIENT = ["FileStart", "FilePart", "FileEnd", "Say", "Seen"]
FROM_HOST = ["Welcome", "Kept", "Declined", "Show", "Over", "Trouble"]
KINDS = st.sampled_from([*FROM_CLIENT, *FROM_HOST, "say", ""])
ALMOST = st.builds(lambda kind, rest: {"type": kind, **rest}, KINDS | JSON, st.dictionaries(FIELDS, JSON, max_size=5))


@given(CLIENTS)
def test_what_a_client_says_arrives_as_it_was(frame: FromClient) -> None:
    assert read_client(json.loads(json.dumps(write_client(frame)))) == frame


@given(HOSTS)
def test_what_the_host_says_arrives_as_it_was(frame: FromHost) -> None:
    assert read_host(json.loads(json.dumps(write_host(frame)))) == frame


def test_a_frame_says_what_it_is() -> None:
    say = {"type": "Say", "id": "1", "text": "hi", "files": 0, "question": None}
    assert write_client(Say(id="1", text="hi")) == say
    assert write_host(Show(key="k", text="t", speaker="Nano", answers=None, more=True)) == {
        "type": "Show",
        "key": "k",
        "text": "t",
        "speaker": "Nano",
        "answers": None,
        "more": True,
        "files": [],
        "edits": None,
        "reacts_to": None,
        "quoted": "",
        "title": "",
        "question": None,
        "options": [],
    }


@given(JSON | ALMOST)
def test_anything_else_is_refused_in_one_way_and_few_words(frame: object) -> None:
    for read, write in ((read_client, write_client), (read_host, write_host)):
        refusal = ""
        try:
            known = read(frame)
        except FrameError as exc:
            refusal = str(exc)
        else:
            assert write(known) == frame  # type: ignore[arg-type]  # each its own
        assert len(refusal) <= 300


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        (None, "a NoneType"),
        (["Say"], "a list"),
        ({}, "type"),
        ({"type": []}, "not a frame"),
        ({"type": "Show", "key": "k", "text": "t", "answers": None, "more": False}, "Show"),  # the host's own
        ({"type": "Say", "id": "1"}, r"required field missing @ \$.text"),
        ({"type": "Say", "id": "1", "text": "t", "to": "x"}, r"extra fields found \(to\)"),
        ({"type": "Say", "id": 1, "text": "t"}, r"expected str @ \$.id"),
        ({"type": "Say", "id": None, "text": "t"}, r"expected str @ \$.id"),
        ({"type": "Say", "id": "1", "text": ["t"]}, r"expected str @ \$.text"),
        ({"type": "Say", "id": "1", "text": "\ud800"}, r"@ \$.text"),  # JSON can say it, nothing can store it
        ({"type": "Say", "id": "", "text": "t"}, r"@ \$"),
        ({"type": "Say", "id": "1", "text": ""}, r"@ \$"),
        ({"type": "Say", "id": "x" * 101, "text": "t"}, r"@ \$"),
        ({"type": "Say", "id": "1", "text": "x" * (MOST_TEXT + 1)}, r"@ \$"),
    ],
)
def test_a_refusal_says_where(frame: object, why: str) -> None:
    with pytest.raises(FrameError, match=why):
        read_client(frame)


@pytest.mark.parametrize("more", [0, 1, "false", None])
def test_only_a_truth_value_is_one(more: object) -> None:
    with pytest.raises(FrameError, match="more"):
        read_host({"type": "Show", "key": "k", "text": "t", "answers": None, "more": more})


def test_the_longest_text_and_id_are_taken() -> None:
    frame = {"type": "Say", "id": "x" * 100, "text": "x" * MOST_TEXT}
    assert read_client(frame) == Say(id="x" * 100, text="x" * MOST_TEXT)
