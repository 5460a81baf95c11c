"""One agent on four channels at once, each with its real adapter: whatever goes wrong, all is heard and said once."""

from __future__ import annotations

import pytest

from tests.channels.together.run import Outcome, run
from tests.conftest import Figures
from tests.support.sampling import SAMPLE


def told(outcome: Outcome) -> str:
    """A run as people read it."""
    return "\n".join([f"seed {outcome.seed}", *outcome.history.lines(), *outcome.problems])


def test_a_few_messages_on_each_channel_are_heard_and_answered_once(figures: Figures) -> None:
    outcome = run(SAMPLE % 1000, 10)
    assert not outcome.problems, told(outcome)
    figures(faults=len(outcome.faults))


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(8))
def test_fifty_messages_on_each_channel_are_heard_and_answered_once(seed: int, figures: Figures) -> None:
    outcome = run(seed, 50)
    assert not outcome.problems, told(outcome)
    figures(**{f"{what}s": outcome.faults.count(what) for what in sorted(set(outcome.faults))})
