"""The host is killed at every await point between an event and its delivered reply; nothing is lost or said twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Figures
from tests.crash.lanes import LANES, points_died_at
from tests.support.sampling import stride

EVERY = 12


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("lane", range(1, LANES + 1))
def test_the_reply_arrives_exactly_once_wherever_the_host_dies(lane: int, tmp_path: Path, figures: Figures) -> None:
    died = points_died_at("tests.crash.driver", tmp_path, lane, every=EVERY)
    figures(await_points_died_at=died)
    assert died > 50 / stride(EVERY), "the killer does not bite"
