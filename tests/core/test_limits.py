"""Limits as people write them: what is one, what is none, and what settings become of it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.limits import BadLimit, limits_of, read_cpus, read_memory, read_processes, with_limits
from nanoclaw.model.sandbox import MIB, Limits


@pytest.mark.parametrize(
    ("said", "bytes_"), [("64m", 64 * MIB), ("512M", 512 * MIB), ("2g", 2048 * MIB), ("16384G", 1 << 44)]
)
def test_memory_is_an_amount_with_a_unit(said: str, bytes_: int) -> None:
    assert read_memory(said) == bytes_


@pytest.mark.parametrize(
    "said", ["", "0m", "63m", "16385g", "2", "2gb", "-2g", "2 g", "2g\n", "1.5g", "٢g", 2, None, []]
)
def test_what_is_no_amount_of_memory_is_refused(said: object) -> None:
    found = read_memory(said)
    assert isinstance(found, BadLimit)
    assert "such as 512m or 2g" in found.why


@pytest.mark.parametrize(
    ("said", "cpus"), [("1", 1.0), ("1.5", 1.5), ("0.001", 0.001), (2, 2.0), (0.5, 0.5), (1024, 1024.0)]
)
def test_processors_are_a_number_above_nothing(said: object, cpus: float) -> None:
    assert read_cpus(said) == cpus


@pytest.mark.parametrize(
    "said", ["", "0", "0.0", "-1", "1,5", "1e3", "nan", "inf", "1025", "1.0001", True, None, 0, -1, 1e300]
)
def test_what_is_no_number_of_processors_is_refused(said: object) -> None:
    assert isinstance(read_cpus(said), BadLimit)


@pytest.mark.parametrize("said", [15, 0, -1, 1_000_001, "64", 64.0, True, None])
def test_what_is_no_number_of_processes_is_refused(said: object) -> None:
    assert isinstance(read_processes(said), BadLimit)
    assert read_processes(16) == 16


def test_settings_without_limits_have_the_usual_ones() -> None:
    assert limits_of("{}") == (Limits(), ())


def test_a_bad_limit_costs_only_itself() -> None:
    found, left = limits_of('{"memory": "1g", "cpus": "many", "pids": 99, "disk": 1}')
    assert found == Limits(memory_bytes=1024 * MIB, processes=99)
    assert len(left) == 2


def test_limits_are_set_changed_and_taken_back_one_by_one() -> None:
    text = with_limits("{}", {"memory": "1g", "cpus": "1.5"})
    assert text == '{"cpus": 1.5, "memory": "1g"}'
    assert with_limits(text, {"pids": 64, "memory": ""}) == '{"cpus": 1.5, "pids": 64}'
    assert with_limits(text, {"cpus": "", "memory": "", "pids": 0}) == "{}"
    assert isinstance(with_limits(text, {"pids": 1}), BadLimit)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "memory": st.integers(64, 9_999).map("{}m".format),
            "cpus": st.integers(1, 999).map(lambda n: f"{n / 100}"),
            "pids": st.integers(16, 10_000),
        },
    ),
    st.text(max_size=8),
)
def test_whatever_can_be_set_can_be_read_back_whatever_was_there(changes: dict[str, object], garbage: str) -> None:
    for before in ("{}", garbage):
        text = with_limits(before, changes)
        assert isinstance(text, str)
        found, left = limits_of(text)
        assert left == ()
        assert json.loads(text).keys() == changes.keys()
        assert found.processes == changes.get("pids", 512)
