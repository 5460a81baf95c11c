"""The runner is killed at every write of its outbox; the reply arrives, once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Figures
from tests.crash.lanes import LANES, points_died_at
from tests.support.sampling import stride

EVERY = 5


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("lane", range(1, LANES + 1))
def test_the_reply_arrives_exactly_once_wherever_the_runner_dies(lane: int, tmp_path: Path, figures: Figures) -> None:
    died = points_died_at("tests.crash.runner_driver", tmp_path, lane, every=EVERY)
    figures(writes_died_at=died)
    assert died > 10 / stride(EVERY), "the killer does not bite"
