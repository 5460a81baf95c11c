"""The set-up: what it tells uv, which does the work."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SETUP = Path(__file__).parents[2] / "tools" / "setup.py"
UV = """#!/bin/sh
echo "$UV_SYSTEM_CERTS $UV_PYTHON_DOWNLOADS" > "$SEEN"
"""


def told(folder: Path, **environment: str) -> str:
    """What a uv is told by a set-up in a checkout of its own."""
    (folder / "tools").mkdir()
    script = folder / "tools" / "setup.py"
    script.write_bytes(SETUP.read_bytes())
    (folder / ".venv").mkdir()
    uv = folder / "bin" / "uv"
    uv.parent.mkdir()
    uv.write_text(UV)
    uv.chmod(0o755)
    seen = folder / "seen"
    given = {"PATH": f"{uv.parent}:/usr/bin:/bin", "SEEN": str(seen), **environment}
    subprocess.run([sys.executable, script], env=given, check=True, capture_output=True, timeout=60)
    return seen.read_text().strip()


@pytest.mark.parametrize(("environment", "certificates"), [({}, "1"), ({"UV_SYSTEM_CERTS": "0"}, "0")])
def test_packages_come_from_whom_the_machine_trusts_unless_somebody_says_otherwise(
    environment: dict[str, str], certificates: str, tmp_path: Path
) -> None:
    assert told(tmp_path, **environment) == f"{certificates} never"
