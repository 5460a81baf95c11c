"""What a connection to Discord's gateway does next: by table, and whatever comes in whatever order."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.channels.discord.gateway_state import (
    FATAL,
    Again,
    Beat,
    Effect,
    Gateway,
    Hang,
    Refused,
    Say,
    Tell,
    beat_due,
    closed,
    connected,
    heard,
    safe,
)

NEW = Gateway(token="t")  # noqa: S106 - it is none
HELLO = {"op": 10, "d": {"heartbeat_interval": 41250}}
READY = {"session_id": "s", "resume_gateway_url": "wss://there", "user": {"id": "1"}}


def _event(number: int, kind: str = "MESSAGE_CREATE", data: Any = None) -> dict[str, Any]:
    return {"op": 0, "t": kind, "s": number, "d": data}


def _after(*messages: dict[str, Any], state: Gateway = NEW) -> tuple[Gateway, list[Effect]]:
    effects: list[Effect] = []
    for message in messages:
        state, more = heard(state, message)
        effects += more
    return state, effects


def _ready() -> Gateway:
    return safe(_after(HELLO, _event(1, "READY", READY))[0], 1)


def test_after_hello_a_new_session_is_begun_and_the_heart_beats() -> None:
    state, (beat, say) = _after(HELLO)
    assert beat == Beat(41.25)
    assert isinstance(say, Say)
    assert say.payload["op"] == 2
    assert say.payload["d"]["intents"] == 37377
    assert state.interval == 41.25


def test_a_session_is_resumed_from_what_is_safe() -> None:
    state, _ = _after(_event(2), _event(3), state=_ready())
    state = safe(state, 2)
    _, effects = _after(HELLO, state=connected(state))
    resume = effects[1]
    assert isinstance(resume, Say)
    assert resume.payload == {"op": 6, "d": {"token": "t", "session_id": "s", "seq": 2}}


def test_what_is_told_again_after_a_resume_is_passed_on_and_what_is_safe_is_not() -> None:
    state, _ = _after(_event(2), _event(3), state=_ready())
    state = connected(safe(state, 2))
    _, effects = _after(_event(2), _event(3), _event(4), state=state)
    assert [one.sequence for one in effects if isinstance(one, Tell)] == [3, 4]


def test_a_heartbeat_that_was_not_acknowledged_ends_the_connection() -> None:
    state, effects = beat_due(_ready())
    assert effects == (Say({"op": 1, "d": 1}),)
    assert beat_due(state)[1] == (Hang("it does not answer our heartbeats", failed=True),)
    assert beat_due(heard(state, {"op": 11})[0])[1] == effects


def test_a_heartbeat_that_is_asked_for_is_said_at_once() -> None:
    assert heard(_ready(), {"op": 1})[1] == (Say({"op": 1, "d": 1}),)


@pytest.mark.parametrize(
    ("message", "keeps", "failed"),
    [({"op": 7}, True, False), ({"op": 9, "d": True}, True, True), ({"op": 9, "d": False}, False, True)],
)
def test_the_gateway_may_want_us_to_come_again(message: dict[str, Any], keeps: bool, failed: bool) -> None:
    state, (hang,) = heard(_ready(), message)
    assert isinstance(hang, Hang)
    assert (hang.failed, state.session is not None) == (failed, keeps)


@pytest.mark.parametrize(
    ("code", "fatal", "keeps"),
    [
        *((code, True, False) for code in (4004, 4010, 4011, 4012, 4013, 4014)),
        *((code, False, False) for code in (4003, 4007, 4009)),
        *((code, False, True) for code in (None, 1000, 1001, 1006, 4000, 4001, 4002, 4005, 4008, 4999)),
    ],
)
def test_each_code_of_a_close_is_resumed_begun_anew_or_left_to_a_person(
    code: int | None, fatal: bool, keeps: bool
) -> None:
    state, verdict = closed(_ready(), code)
    assert isinstance(verdict, Refused if fatal else Again)
    assert (state.session is not None) is keeps


def test_what_only_a_person_can_mend_says_where() -> None:
    assert "Message Content Intent" in FATAL[4014]
    assert "Reset Token" in FATAL[4004]


@pytest.mark.parametrize(
    "message",
    [
        {"op": 10, "d": None},
        {"op": 10, "d": {"heartbeat_interval": 0}},
        {"op": 10, "d": {"heartbeat_interval": True}},
        {"op": 0, "t": None, "s": 1},
        {"op": 0, "t": "READY", "s": 1, "d": {"session_id": 7}},
        {"op": 0, "t": "MESSAGE_CREATE", "s": "1"},
    ],
)
def test_what_makes_no_sense_ends_the_connection(message: dict[str, Any]) -> None:
    _, effects = heard(NEW, message)
    assert isinstance(effects[-1], Hang)


@given(st.permutations(list(range(2, 12))), st.integers(0, 10))
def test_nothing_is_taken_for_safe_before_all_that_came_before_it(order: list[int], count: int) -> None:
    state, _ = _after(*(_event(number) for number in range(2, 12)), state=_ready())
    done = {1}
    for number in order[:count]:
        state = safe(state, number)
        done.add(number)
        assert state.acknowledged == max(one for one in range(1, 12) if set(range(1, one + 1)) <= done)


_names = st.sampled_from(["op", "d", "s", "t", "heartbeat_interval", "session_id"])
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda one: st.lists(one) | st.dictionaries(_names, one),
    max_leaves=6,
)


@given(
    st.lists(st.fixed_dictionaries({"op": st.integers(-1, 12) | _json, "d": _json, "s": _json, "t": _json}), max_size=8)
)
def test_whatever_the_gateway_says_there_is_an_answer_and_numbers_only_grow(messages: list[dict[str, Any]]) -> None:
    state = NEW
    for message in messages:
        before = state
        state, effects = heard(state, message)
        for effect in effects:
            if isinstance(effect, Tell):
                assert effect.kind == "READY" or before.last is None or effect.sequence > before.last
