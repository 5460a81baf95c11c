"""Fixtures of the toolkit's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from tests.kit.logged import Logged


@pytest.fixture(autouse=True)
def logged() -> Iterator[Logged]:
    """What the code under test logs; what a test expects there, it asserts."""
    with capture_logs() as entries:
        yield entries
