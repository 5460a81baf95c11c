"""The host is killed at every step of a life in which tasks run, messages are tried again, fail, and it is stopped.

A step is a passage through a port: just before, or just after, the host does something that outlives it. Between two of
them it changes nothing but its memory, so that dying there is dying at the next. Of the steps, a soak has all.
"""

from __future__ import annotations

from functools import partial

import pytest

from tests.conftest import Figures
from tests.sim.__main__ import told
from tests.sim.history import Host
from tests.sim.run import run
from tests.sim.scenes import MOST_STEPS, SCENES, Scene, Script
from tests.support.sampling import offset, stride

EVERY = 6


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_every_promise_is_kept_at_whatever_step_the_host_dies(scene: Scene, figures: Figures) -> None:
    scripts: list[Script] = []

    def script(at: int, *arguments: object) -> Script:
        scripts.append(Script(*arguments, scene=scene, at=at))  # type: ignore[arg-type]  # those of a Story
        return scripts[-1]

    whole = run(1, make_story=partial(script, MOST_STEPS))
    assert not whole.problems, told(whole)
    steps = scripts[0].steps
    places = range(1 + offset(EVERY), steps + 1, stride(EVERY))
    for at in places:
        outcome = run(1, make_story=partial(script, at))
        assert Host("killed", "") in set(outcome.history.all(Host)), f"it did not die at step {at}"
        assert not outcome.problems, f"at step {at}:\n{told(outcome)}"
    figures(steps=steps, steps_died_at=len(places))
    assert steps > 50
