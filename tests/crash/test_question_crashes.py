"""A question outlives the host: wherever that dies, it is asked once, answered once, and its agent gets the answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Figures
from tests.crash.lanes import LANES, points_died_at


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("lane", range(1, LANES + 1))
def test_a_question_is_asked_and_answered_once_wherever_the_host_dies(
    lane: int, tmp_path: Path, figures: Figures
) -> None:
    died = points_died_at("tests.crash.question_driver", tmp_path, lane)
    figures(points_died_at=died)
    assert died > 20, "the killer does not bite"
