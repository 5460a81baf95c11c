"""The checker itself: a run in which all is well, changed in one place, is one in which something is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, TypeAlias

import attrs
import pytest
import trio

from nanoclaw.model.messages import LedgerState
from schema.rows import InStatus
from tests.sim.checker import check
from tests.sim.ending import Truth
from tests.sim.history import (
    Acknowledged,
    Born,
    Claimed,
    Happening,
    History,
    Host,
    Posted,
    Replied,
    Settled,
    Trespass,
)
from tests.sim.run import Outcome, run
from tests.sim.story import Story
from tests.sim.town import PLACES

MESSAGE, ROOM = "evt-00001:agt-bob", "plain yard"


class TwoQuestions(Story):
    """Somebody asks twice and is answered, and what is said besides fails."""

    async def happen(self) -> None:
        """See `Story.happen`."""
        for word in ("answer", "answer", "fail"):
            self.say(PLACES[1], word)
            await trio.sleep(10.0)


@cache
def good() -> Outcome:
    """The run in which all is well."""
    return run(1, make_story=TwoQuestions)


Change: TypeAlias = Callable[[list[Happening], Truth], tuple[Iterable[Happening], Truth]]


def without(kind: type[Happening]) -> Change:
    """As if nothing of that kind had happened."""
    return lambda happened, truth: ([one for one in happened if not isinstance(one, kind)], truth)


def besides(*more: Happening) -> Change:
    """As if that had happened as well, in the end."""
    return lambda happened, truth: ([*happened, *more], truth)


def backwards(kind: type[Happening]) -> Change:
    """As if what is of that kind had happened in the other order."""

    def change(happened: list[Happening], truth: Truth) -> tuple[Iterable[Happening], Truth]:
        others = iter([one for one in reversed(happened) if isinstance(one, kind)])
        return [next(others) if isinstance(one, kind) else one for one in happened], truth

    return change


def message(**other: Any) -> Change:
    """As if the first message were another; without any change, as if it were not there."""

    def change(happened: list[Happening], truth: Truth) -> tuple[Iterable[Happening], Truth]:
        rest = {name: row for name, row in truth.messages.items() if name != MESSAGE}
        changed = {MESSAGE: attrs.evolve(truth.messages[MESSAGE], **other)} if other else {}
        return happened, attrs.evolve(truth, messages={**changed, **rest})

    return change


def reply(**other: Any) -> Change:
    """As if the first reply were another; without any change, as if it were not there."""

    def change(happened: list[Happening], truth: Truth) -> tuple[Iterable[Happening], Truth]:
        first = next(iter(truth.ledger))
        rest = {name: row for name, row in truth.ledger.items() if name != first}
        changed = {first: attrs.evolve(truth.ledger[first], **other)} if other else {}
        return happened, attrs.evolve(truth, ledger={**changed, **rest})

    return change


def without_notice(happened: list[Happening], truth: Truth) -> tuple[Iterable[Happening], Truth]:
    """As if nobody had been told of the message that failed."""
    told = {name: row for name, row in truth.ledger.items() if "/host/" not in name}
    return [one for one in happened if not isinstance(one, Posted) or "/host/" not in one.key], attrs.evolve(
        truth, ledger=told, messages={name: row for name, row in truth.messages.items() if "note:" not in name}
    )


CASES: dict[str, Change] = {
    "was acknowledged and is not there": besides(Acknowledged("plain 99", heard=True)),
    "reached 0 agents": message(),
    "is not completed, which its agent said": message(status=InStatus.FAILED),
    "counts as completed, and no agent ever said so": without(Settled),
    "worked on again after it was settled": besides(Settled("ses-4", 9, MESSAGE, failed=False)),
    "its chat was not told": without_notice,
    "its agent was not told": without_notice,
    "was given e1: answer as": besides(Claimed("ses-4", 9, ("another",), ("e1: answer",))),
    "reply ses-4/1/out-3 is lost": reply(),
    "goes elsewhere": reply(platform_id="hall"),
    "never posted": without(Posted),
    "which nobody asked for": besides(Posted("ses-4/9/out-3", ROOM, again=False)),
    "was posted 2 times": besides(Posted("ses-4/1/out-3", ROOM, again=True)),
    "is unknown, and its agent was not told": reply(state=LedgerState.UNKNOWN),
    "is in doubt, which its channel does not want": reply(state=LedgerState.UNKNOWN),
    "overtook": backwards(Posted),
    "changed their order": backwards(Replied),
    "in another order than they came in": backwards(Claimed),
    "somebody else wrote": besides(Trespass("ses-4")),
    "has two sandboxes": besides(Born("ses-4", 8), Born("ses-4", 9)),
    "was born 2 times": besides(Born("ses-4", 1)),
    "gave up although nothing was wrong": besides(Host("failed", "no reason")),
}


def test_a_good_run_is_good() -> None:
    happened = [one for _, one in good().history.happenings]
    assert not good().problems
    assert sum(1 for one in happened if isinstance(one, Replied)) == 2


@pytest.mark.parametrize("expected", CASES)
def test_what_is_wrong_is_found(expected: str) -> None:
    happened, truth = CASES[expected]([one for _, one in good().history.happenings], good().truth)
    found = check(History([(0.0, one) for one in happened]), truth, ())
    assert any(expected in problem for problem in found), found
