"""The name of a session: kept at once, beside those of other providers, and forgotten so that the host hears of it."""

from __future__ import annotations

import json

import pytest

from runner.continuation import Continuation, kept_by_host
from runner.outbox import Outbox
from tests.runner.link import NOW, Link


def continuation(outbox: Outbox, **kept: str) -> Continuation:
    return Continuation(outbox, lambda: NOW, "demo", {f"continuation:{name}": value for name, value in kept.items()})


def test_it_goes_on_where_its_own_provider_left_off(outbox: Outbox) -> None:
    assert continuation(outbox, demo="3", claude="x").name == "3"
    assert continuation(outbox, claude="x").name is None


def test_a_new_name_is_kept_beside_what_others_have_kept(link: Link, outbox: Outbox) -> None:
    kept = continuation(outbox, claude="x")
    kept.become("4")
    kept.save()
    assert kept.name == "4"
    assert link.saved() == {"continuation:claude": "x", "continuation:demo": "4"}


def test_the_same_name_is_not_written_again(link: Link, outbox: Outbox) -> None:
    kept = continuation(outbox, demo="3")
    kept.become("3")
    assert kept.unsaved == {}
    kept.save()
    assert link.saved() == {}


def test_what_is_forgotten_is_said_to_be(link: Link, outbox: Outbox) -> None:
    kept = continuation(outbox, demo="3")
    kept.forget()
    assert kept.name is None
    assert link.saved() == {"continuation:demo": "", "reached:demo": ""}
    assert continuation(outbox, demo=link.saved()["continuation:demo"]).name is None


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (json.dumps({"continuation:demo": "3", "other": "x"}), {"continuation:demo": "3"}),
        ("{}", {}),
        ('{"continuation:demo": 3}', {}),
        ("[]", {}),
        ("{", {}),
    ],
)
def test_what_the_host_kept_is_read_as_far_as_it_makes_sense(state: str, expected: dict[str, str]) -> None:
    assert kept_by_host(state) == expected
