"""What a script's last line says decides whether its agent is asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.core.gate import MOST_DATA, Broken, Gate, Open, Shut, decide_gate

SHUT = Shut("its script said that nothing is to be done")


@pytest.mark.parametrize(
    ("output", "gate"),
    [
        ('{"wakeAgent": true}', Open(None)),
        ('{"wakeAgent": true, "data": null}', Open(None)),
        ('{"wakeAgent": true, "data": {"new": [1, "é"]}}', Open('{"new": [1, "é"]}')),
        ('{"wakeAgent": true, "data": 0}', Open("0")),
        ('looking…\n{"wakeAgent": false, "data": 1}\n\n', SHUT),
        ('{"wakeAgent": true}\r\n', Open(None)),
    ],
)
def test_the_last_line_opens_or_shuts(output: str, gate: Gate) -> None:
    assert decide_gate(0, output) == gate


@pytest.mark.parametrize(
    ("code", "output", "why"),
    [
        (1, '{"wakeAgent": true}', "ended with 1"),
        (-9, "", "ended by signal 9"),
        (0, " \n", "said nothing"),
        (0, "done", "no JSON"),
        (0, '{"wakeAgent": true}\ndone', "no JSON"),
        (0, '{"wakeAgent": NaN}', "no JSON"),
        (0, "[true]", "no wakeAgent"),
        (0, "{}", "no wakeAgent"),
        (0, '{"wakeAgent": 1}', "no wakeAgent"),
        (0, '{"wakeAgent": "true"}', "no wakeAgent"),
        (0, f'{{"wakeAgent": true, "data": "{"x" * MOST_DATA}"}}', "longer than"),
    ],
)
def test_whatever_else_it_says_is_a_failure_with_the_reason(code: int, output: str, why: str) -> None:
    gate = decide_gate(code, output)
    assert isinstance(gate, Broken)
    assert why in gate.why


@given(code=st.integers(-64, 255), output=st.text())
def test_there_is_a_verdict_on_anything(code: int, output: str) -> None:
    assert isinstance(decide_gate(code, output), Open | Shut | Broken)
