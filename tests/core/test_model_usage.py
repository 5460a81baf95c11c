"""What a call took is read from its answer, however it is cut into pieces; what does not say is estimated."""

from __future__ import annotations

import json
from itertools import pairwise

import attrs
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.model_usage import MOST_KEPT, Counted, Meter
from tests.support.model_wire import Says, Turn, events, message_body

STREAM = b"text/event-stream; charset=utf-8"
TURN = Turn(parts=(Says("hello " * 20),), read=1_200, written=34, cached=0)
TEXT = b"".join(piece for piece in events(TURN, 1, "claude-opus-4-5") if isinstance(piece, bytes))

TOTAL_SAID = TEXT.index(b"\n", TEXT.index(b'"message_delta"'))
"""The end of the line that says what it took in all."""


def metered(*pieces: bytes, kind: bytes = STREAM, status: int = 200, encoding: bytes = b"") -> Counted:
    meter = Meter()
    meter.asked(300)
    meter.put()
    meter.begins(status, kind, encoding)
    for piece in pieces:
        meter.heard(piece)
    return meter.total()


@given(st.lists(st.integers(0, len(TEXT)), max_size=8))
def test_a_stream_says_what_it_took_however_it_comes(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(TEXT)]
    pieces = [TEXT[start:end] for start, end in pairwise(places)]
    assert metered(*pieces) == Counted(model="claude-opus-4-5", read=1_200, written=34)


def test_an_answer_in_one_piece_says_so_too() -> None:
    body = message_body(TURN, 1, "claude-opus-4-5")
    assert metered(body[:40], body[40:], kind=b"application/json") == Counted(
        model="claude-opus-4-5", read=1_200, written=34
    )


def test_what_came_from_the_cache_and_went_into_it_was_read_as_well() -> None:
    usage = {"input_tokens": 5, "cache_read_input_tokens": 70, "cache_creation_input_tokens": 25, "output_tokens": 3}
    body = json.dumps({"model": "m", "usage": usage}).encode()
    found = metered(body, kind=b"application/json")
    assert found == Counted(model="m", read=100, cached=70, stored=25, written=3)
    assert found.tokens == 103
    kept = {"ephemeral_5m_input_tokens": 5, "ephemeral_1h_input_tokens": 20}
    body = json.dumps({"model": "m", "usage": {**usage, "cache_creation": kept}}).encode()
    assert metered(body, kind=b"application/json") == attrs.evolve(found, stored_long=20)


@given(st.integers(0, len(TEXT)))
def test_a_stream_that_is_cut_off_is_estimated_and_what_was_said_of_it_counts(end: int) -> None:
    found = metered(TEXT[:end])
    if end > TOTAL_SAID:
        assert found == Counted(model="claude-opus-4-5", read=1_200, written=34)
        return
    assert found.estimated
    begun = b'"message_start"' in TEXT[:end] and TEXT[:end].count(b"\n") >= 2
    assert found.read == (1_200 if begun else 100)
    assert found.written >= (TEXT[:end].count(b"hello") * 6 - 60) // 3


def test_nonsense_compressed_answers_and_answers_without_end_are_estimated_from_what_passed() -> None:
    for pieces, kind, encoding in (
        ((b"x" * 90,), b"application/json", b""),
        ((b"[" * 90,), b"application/json", b""),
        ((b"x" * 90,), STREAM, b"gzip"),
        ((b"data: {}\n" * 10,), STREAM, b""),
        ((b'data: {"type":"message_delta"}\n' * 3,), STREAM, b""),
    ):
        found = metered(*pieces, kind=kind, encoding=encoding)
        assert (found.read, found.written, found.estimated) == (100, -(-len(pieces[0]) // 3), True)
    endless = metered(*[b"x" * (1 << 20)] * 20, kind=b"application/json")
    assert endless.estimated
    assert endless.written > MOST_KEPT // 3


def test_what_is_refused_or_never_put_costs_nothing_and_who_leaves_before_an_answer_pays_for_the_question() -> None:
    assert metered(b'{"usage": {"output_tokens": 9}}', kind=b"application/json", status=429) == Counted()
    meter = Meter()
    meter.asked(300)
    assert meter.total() == Counted()
    meter.put()
    assert meter.total() == Counted(read=100, estimated=True)
    meter.lost()
    assert meter.total() == Counted()
