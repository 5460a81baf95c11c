"""Old engines are refused, with the way to accept them."""

from __future__ import annotations

import pytest

from nanoclaw.core.engine_versions import OVERRIDE, old_engine


@pytest.mark.parametrize(
    ("engine", "runc", "refused"),
    [
        ("20.10.24+dfsg1", "1.1.5+ds1", True),
        ("25.0.4", "1.2.8", True),
        ("25.0.5", "1.2.8", False),
        ("26.0.0", "1.2.8", False),
        ("29.1.2", "1.2.7", True),
        ("29.1.2", "1.2.8-rc.1", True),
        ("29.1.2", "1.2.10", False),
        ("29.1.2", "1.3.0", True),
        ("29.1.2", "1.3.2", True),
        ("29.1.2", "v1.3.3", False),
        ("29.1.2", "1.4.0-rc.2", True),
        ("29.1.2", "1.4.0~rc3", False),
        ("29.1.2", "1.4.0", False),
        ("29.1.2", "1.5.0-rc.1", False),
        ("29.1.2", "2.0.0", False),
        ("29.1.2", None, False),
        ("29.1.2", "unknown", True),
        ("master", "1.4.0", True),
        ("27.0", None, False),
    ],
)
def test_the_gate(engine: str, runc: str | None, refused: bool) -> None:
    why = old_engine(engine, runc)
    assert (why is not None) == refused
    if why is not None:
        assert OVERRIDE in why
