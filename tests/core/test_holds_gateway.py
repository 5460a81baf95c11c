"""Why there is no way out for agents is said wherever people look."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from nanoclaw.core.holds_gateway import gateway_hold
from nanoclaw.core.holds_tree import with_holds
from nanoclaw.core.holds_words import Reason
from nanoclaw.core.why_hops import Mark

DIED = "it was ended by signal 9"


@pytest.mark.parametrize(
    ("signals", "reason", "mark", "words"),
    [
        ({"process": "7"}, Reason.AT_WORK, Mark.GOOD, "process 7"),
        ({}, Reason.AT_WORK, Mark.GOOD, "no process of its own"),
        ({"process": "starting"}, Reason.STARTING, Mark.WAITS, f"agents wait for it; the one before ended: {DIED}"),
        (
            {"process": "none", "next": "in 0.4 s"},
            Reason.NO_WAY_OUT,
            Mark.BAD,
            f"begins in 0.4 s; the one before ended: {DIED}",
        ),
        ({"process": "7", "over a limit": "ses-1"}, Reason.LIMIT, Mark.WAITS, "may ask for or move: ses-1"),
    ],
)
def test_each_state_of_the_gateway_has_its_reason(
    signals: Mapping[str, str], reason: Reason, mark: Mark, words: str
) -> None:
    found = gateway_hold(signals, DIED)
    assert (found.reason, found.mark) == (reason, mark)
    assert words in found.words
    assert bool(found.mend) == (reason in {Reason.NO_WAY_OUT, Reason.LIMIT})


def test_the_tree_shows_what_the_gateway_is_at() -> None:
    part = {"name": "gateway", "signals": {"process": "none"}, "last_error": DIED, "children": []}
    (found,) = with_holds({"name": "nanoclaw", "children": [part]}, {})["children"]
    assert (found["hold"]["reason"], found["hold"]["mark"]) == ("no way out", "bad")
