"""A fan-out to ten agents is one fact: wherever the host dies, all ten have the message or none has."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Figures
from tests.crash.lanes import LANES, points_died_at


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("lane", range(1, LANES + 1))
def test_ten_agents_hear_it_or_none_wherever_the_host_dies(lane: int, tmp_path: Path, figures: Figures) -> None:
    died = points_died_at("tests.crash.fan_out_driver", tmp_path, lane)
    figures(points_died_at=died)
    assert died > 20, "the killer does not bite"
